"""Ranks what fits on a number of GPUs for a purpose, with the reference's scores and the expected load it carries.

Not here: printing, and writing the stack file (``qwen_infra.cli``).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from qwen_infra.catalog import Gpu, Model, Precision, Scores, models
from qwen_infra.errors import ConfigurationError
from qwen_infra.sizing.fit import Fit, fit_model
from qwen_infra.sizing.limits import PhysicalLimit, Traffic, estimate_limit
from qwen_infra.sizing.parallelism import list_tensor_parallel_sizes
from qwen_infra.sizing.request import FitRequest, InvalidNumberError

__all__ = [
    "PURPOSES",
    "Choice",
    "Purpose",
    "RecommendRequest",
    "UnknownPurposeError",
    "find_nearest_request",
    "recommend",
]

Purpose = Literal["coding", "agent", "chinese", "general", "multimodal", "long-context"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)

ENOUGH_CONCURRENCY = 4.0
"""Full-length requests that a choice should carry; below it a smaller precision of the same model is preferred."""
EXPECTED_SHARE_OF_LIMIT = 0.3
"""Of the physical limit that a server reaches at 32 requests, for cost only: measured 13 % of TPOT's (397B GPTQ-Int4, 4
GB200) to 65 % of the throughput's (27B BF16, one H200, 8000 in and 1024 out). Not a promise."""
LONG_CONTEXT_TOKENS = 1010000
DEFAULT_UTILIZATION = 0.92
BLACKWELL_TENSOR_PARALLEL_UTILIZATION = 0.85
"""The reference's four GB200 had 14.6 to 18.3 GiB each in use beyond vLLM's share; 0.92 would leave them 14.7."""
SHORTEST_CONTEXT_TOKENS = 4096
"""A shorter context is not offered: thinking alone takes more."""
REFERENCE_TRAFFIC = Traffic(concurrency=32, input_tokens=8000, output_tokens=1024)

_NEAR_LOSSLESS: tuple[Precision, ...] = ("bf16", "fp8")
_TIERS = ("light", "middle", "flagship")


class UnknownPurposeError(ConfigurationError):
    """There is no ranking for that purpose."""


@dataclass(frozen=True, slots=True)
class RecommendRequest:
    """What is there and what it is for.

    Args:
        gpus: how many; they are used as replicas of the smallest tensor parallel size that carries enough.
        max_model_len: context that must fit; None for the model's native one (for ``long-context``: the extended one).
        price_per_gpu_hour: for the cost per million tokens, in any currency; None leaves it out.
    """

    gpu: Gpu
    gpus: int
    purpose: str = "general"
    max_model_len: int | None = None
    price_per_gpu_hour: float | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One model and precision in the way it fits best.

    Args:
        replicas: servers of ``fit.request.tensor_parallel_size`` GPUs each.
        max_concurrency: full-length requests at once over all replicas.
        headroom_gib: memory per GPU that the cache has beyond one full-length request.
        cost_per_million_tokens: of generated tokens, at ``EXPECTED_SHARE_OF_LIMIT`` of the limit; None without a price.
    """

    model: Model
    precision: str
    fit: Fit
    replicas: int
    score: float | None
    max_concurrency: float
    headroom_gib: float
    limit: PhysicalLimit
    cost_per_million_tokens: float | None

    @property
    def scores(self) -> Scores:
        return self.model.scores

    def to_json(self) -> dict[str, Any]:
        """The keys of one entry of ``qwen-infra recommend --json``."""
        return {
            "model": self.model.name,
            "precision": self.precision,
            "repository": self.model.checkpoint(self.precision).repository,
            "tensor_parallel_size": self.fit.request.tensor_parallel_size,
            "replicas": self.replicas,
            "max_model_len": self.fit.request.max_model_len,
            "max_num_seqs": self.fit.max_num_seqs,
            "max_concurrency": round(self.max_concurrency, 2),
            "headroom_gib": round(self.headroom_gib, 2),
            "scores": self.scores.model_dump(),
            "advice": self.model.advice,
            "limit_output_tokens_per_s": round(self.replicas * self.limit.output_tokens_per_s, 1),
            "cost_per_million_tokens": self.cost_per_million_tokens,
        }


def recommend(request: RecommendRequest) -> tuple[Choice, ...]:
    """Every instruct model that fits, one precision and size each, best first.

    Order: the reference's score for the purpose (models without one after those with one), then the size of the model.
    Per model: enough concurrency first, then BF16 and FP8 before four-bit, then the higher bound on throughput.

    Raises:
        ConfigurationError: an unknown purpose, no GPUs, or a context that no model has.
    """
    _check(request)
    best = [choice for model in models() if not model.is_base and (choice := _choose(model, request)) is not None]
    return tuple(sorted(best, key=lambda choice: _rank(choice, request.purpose)))


def find_nearest_request(request: RecommendRequest) -> RecommendRequest | None:
    """The same with half the context, a quarter, ..., or else with twice the GPUs, ..., for which something fits.

    None when even the GPUs of a whole node carry nothing.
    """
    longest = request.max_model_len or max(model.native_context_tokens for model in models())
    shorter = [longest >> step for step in range(1, 20) if longest >> step >= SHORTEST_CONTEXT_TOKENS]
    larger = [request.gpus << step for step in range(1, 7) if request.gpus << step <= request.gpu.gpus_per_node]
    tries = [replace(request, max_model_len=tokens) for tokens in shorter]
    tries += [replace(request, gpus=count, max_model_len=longest) for count in larger]
    return next((changed for changed in tries if recommend(changed)), None)


def _check(request: RecommendRequest) -> None:
    if request.purpose not in PURPOSES:
        raise UnknownPurposeError(
            f"there is no ranking for {request.purpose!r}",
            where="--for",
            found=request.purpose,
            expected=" or ".join(PURPOSES),
        )
    if request.gpus < 1:
        raise InvalidNumberError("at least one GPU is needed", where="--gpus", found=request.gpus, expected="1 or more")
    if request.price_per_gpu_hour is not None and not 0 <= request.price_per_gpu_hour < float("inf"):
        raise InvalidNumberError(
            "a price must be a number from 0 up",
            where="--price-per-gpu-hour",
            found=request.price_per_gpu_hour,
            mend="--price-per-gpu-hour 4.5",
        )
    if request.max_model_len is not None and request.max_model_len < 1:
        raise InvalidNumberError(
            "a context must be at least 1 token", where="--context", found=request.max_model_len, expected="1 or more"
        )
    longest = max(model.max_context_tokens for model in models())
    if request.max_model_len is not None and request.max_model_len > longest:
        raise InvalidNumberError(
            "no model has such a context", where="--context", found=request.max_model_len, expected=f"at most {longest}"
        )


def _rank(choice: Choice, purpose: str) -> tuple[bool, float, int, int]:
    model = choice.model
    text_only = "image" not in model.modalities
    unsuited = purpose == "multimodal" and text_only
    score = choice.score
    return (unsuited or score is None, -(score or 0.0), -_TIERS.index(model.tier), -model.total_parameters)


def _score(model: Model, purpose: str) -> float | None:
    scores = model.scores
    return {
        "coding": scores.coding_humaneval,
        "agent": scores.agent_bfcl_v4_percent,
        "chinese": scores.chinese,
    }.get(purpose, scores.overall)


def _choose(model: Model, request: RecommendRequest) -> Choice | None:
    """The best precision and tensor parallel size of one model; None when nothing of it fits."""
    choices = list(_list_choices(model, request))
    return min(choices, key=_preference) if choices else None


def _preference(choice: Choice) -> tuple[bool, bool, float, int]:
    return (
        choice.max_concurrency < ENOUGH_CONCURRENCY,
        choice.precision not in _NEAR_LOSSLESS,
        -choice.replicas * choice.limit.output_tokens_per_s,
        choice.fit.request.tensor_parallel_size,
    )


def _list_choices(model: Model, request: RecommendRequest) -> Iterator[Choice]:
    context = request.max_model_len
    if context is None:
        wants_long = request.purpose == "long-context"
        context = min(LONG_CONTEXT_TOKENS, model.max_context_tokens) if wants_long else model.native_context_tokens
    if context > model.max_context_tokens:
        return
    for precision in model.precisions:
        if precision not in request.gpu.precisions:
            continue
        for size in list_tensor_parallel_sizes(model, precision):
            if size > min(request.gpus, request.gpu.gpus_per_node):
                break
            fit = fit_model(
                FitRequest(
                    model,
                    precision,
                    request.gpu,
                    tensor_parallel_size=size,
                    max_model_len=context,
                    long_context=context > model.native_context_tokens,
                    gpu_memory_utilization=_utilization(request.gpu, size),
                    replicates_vision=model.architecture.vision is not None
                    and model.architecture.vision.heads % size > 0,
                )
            )
            if fit.fits:
                yield _build_choice(fit, request)


def _utilization(gpu: Gpu, tensor_parallel_size: int) -> float:
    is_blackwell = gpu.compute_capability.startswith("10.")
    return BLACKWELL_TENSOR_PARALLEL_UTILIZATION if is_blackwell and tensor_parallel_size > 1 else DEFAULT_UTILIZATION


def _build_choice(fit: Fit, request: RecommendRequest) -> Choice:
    replicas = request.gpus // fit.request.tensor_parallel_size
    limit = estimate_limit(fit, REFERENCE_TRAFFIC)
    spare_blocks = fit.num_blocks - fit.blocks_per_request - 1
    return Choice(
        model=fit.request.model,
        precision=fit.request.precision,
        fit=fit,
        replicas=replicas,
        score=_score(fit.request.model, request.purpose),
        max_concurrency=replicas * fit.max_concurrency,
        headroom_gib=spare_blocks * fit.bytes_per_block / 2**30,
        limit=limit,
        cost_per_million_tokens=_cost(fit, limit, request.price_per_gpu_hour),
    )


def _cost(fit: Fit, limit: PhysicalLimit, price_per_gpu_hour: float | None) -> float | None:
    """Price of a million generated tokens: GPUs · price / 3600 / (share · limit) · 10⁶."""
    if price_per_gpu_hour is None:
        return None
    per_second = fit.request.tensor_parallel_size * price_per_gpu_hour / 3600
    return per_second / (EXPECTED_SHARE_OF_LIMIT * limit.output_tokens_per_s) * 1e6
