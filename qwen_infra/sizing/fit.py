"""Whether a model fits on its GPUs, and how many requests it then carries: vLLM's arithmetic, before anything starts.

Not here: what would fit instead (``remedies.py``), speed (``limits.py``).

Formula: available = usable · utilization - weights - reserve; blocks = floor(available / bytes per block);
it starts when blocks >= blocks of one full-length request + 1 (the null block) and blocks >= max_num_seqs.
"""

from dataclasses import dataclass, replace
from typing import Any

from qwen_infra.sizing.devices import find_rules
from qwen_infra.sizing.kv_cache import CacheOptions, CachePool, KvCacheDtype, plan_cache
from qwen_infra.sizing.request import (
    FitRequest,
    check_request,
    default_max_num_batched_tokens,
    default_max_num_seqs,
    list_sizes,
)
from qwen_infra.sizing.reserve import Reserve, Workload
from qwen_infra.sizing.startup import CacheKind, StartupBudget, StartupFacts, estimate_startup
from qwen_infra.sizing.weights import PipelineStage, WeightLoading, count_weight_bytes, list_pipeline_stages

__all__ = ["AUTOMATIC_MAX_NUM_SEQS", "Fit", "fit_model"]

_GIB = 2**30

AUTOMATIC_MAX_NUM_SEQS = 256
"""Upper end of the automatic ``max_num_seqs``: each further sequence costs 2.5 MiB of activation, used or not."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The answer: memory per GPU by part [B], blocks, concurrency. The tightest pipeline stage decides.

    Args:
        kv_cache_dtype: with ``auto`` resolved where the checkpoint or the GPU decides it.
        num_blocks: predicted ``num_gpu_blocks``; 0 when weights and reserve leave nothing.
        blocks_per_request: of one request of ``max_model_len``.
        max_concurrency: full-length requests at once.
        max_num_seqs: as requested, or the safe number: short requests never preempt each other with it.
        longest_context_tokens: longest ``max_model_len`` that starts with this memory; 0 when none does.
        state_bytes: the part of the cache that holds GDN state when full-length requests fill it.
    """

    request: FitRequest
    kv_cache_dtype: KvCacheDtype
    fits: bool
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    requested_bytes: int
    weights_bytes: int
    reserve: Reserve
    available_bytes: int
    num_blocks: int
    block_size_tokens: int
    bytes_per_block: int
    blocks_per_request: int
    max_concurrency: float
    short_requests: int
    short_requests_worst_case: int
    max_num_seqs: int
    max_num_batched_tokens: int
    longest_context_tokens: int
    state_bytes: int
    valid_tensor_parallel_sizes: tuple[int, ...]

    @property
    def weights_gib(self) -> float:
        return self.weights_bytes / _GIB

    @property
    def reserve_gib(self) -> float:
        return self.reserve.total_bytes / _GIB

    @property
    def kv_cache_bytes(self) -> int:
        return self.num_blocks * self.bytes_per_block

    @property
    def kv_cache_gib(self) -> float:
        return self.kv_cache_bytes / _GIB

    @property
    def parts_gib(self) -> dict[str, float]:
        """Share of one GPU that vLLM takes, in the order of every picture; state and cache apart [GiB]."""
        state = self.state_bytes / _GIB
        return {
            "weights": self.weights_gib,
            "reserve": self.reserve_gib,
            "GDN state": state,
            "KV cache": self.kv_cache_gib - state,
        }

    @property
    def startup_budget_s(self) -> int:
        """Container start to Ready, for the weights on a node's disk; ``startup`` for other caches."""
        return self.startup().total_s

    def startup(self, cache_kind: CacheKind = "hostPath", storage_bytes_per_s: float | None = None) -> StartupBudget:
        """The start-up budget with its parts, for a kind of cache and its measured reading speed."""
        checkpoint = self.request.checkpoint
        facts = StartupFacts(
            checkpoint_bytes=checkpoint.bytes,
            weight_bytes=self.weights_bytes,
            gpus=self.request.gpus,
            is_fp8=checkpoint.precision == "fp8",
            loads_vision=self.request.loads_vision,
            mtp_tokens=self.request.mtp_tokens,
            cache_kind=cache_kind,
            storage_bytes_per_s=storage_bytes_per_s,
        )
        return estimate_startup(self.request.model.architecture, facts)

    def to_json(self) -> dict[str, Any]:
        """The keys of ``qwen-infra fit --json``."""
        return {
            "fits": self.fits,
            "reasons": list(self.reasons),
            "notes": list(self.notes),
            "num_blocks": self.num_blocks,
            "block_size_tokens": self.block_size_tokens,
            "bytes_per_block": self.bytes_per_block,
            "blocks_per_request": self.blocks_per_request,
            "max_concurrency": round(self.max_concurrency, 3),
            "short_requests": self.short_requests,
            "short_requests_worst_case": self.short_requests_worst_case,
            "max_num_seqs": self.max_num_seqs,
            "max_num_batched_tokens": self.max_num_batched_tokens,
            "longest_context_tokens": self.longest_context_tokens,
            "requested_gib": round(self.requested_bytes / _GIB, 3),
            "weights_gib": round(self.weights_gib, 3),
            "reserve_gib": round(self.reserve_gib, 3),
            "reserve_parts_gib": {
                "activation": round(self.reserve.activation_bytes / _GIB, 3),
                "cuda_graphs": round(self.reserve.cuda_graph_bytes / _GIB, 3),
                "other": round(self.reserve.non_torch_bytes / _GIB, 3),
            },
            "kv_cache_gib": round(self.kv_cache_gib, 3),
            "state_gib": round(self.state_bytes / _GIB, 3),
            "usable_gib": round(self.request.gpu.usable_memory_gib, 3),
            "valid_tensor_parallel_sizes": list(self.valid_tensor_parallel_sizes),
            "startup_budget_s": self.startup_budget_s,
        }


@dataclass(frozen=True, slots=True)
class _StageFit:
    """One pipeline stage: its weights, its pool, and the blocks that fit there."""

    weights_bytes: int
    pool: CachePool
    available_bytes: int

    @property
    def num_blocks(self) -> int:
        return max(0, self.available_bytes // self.pool.bytes_per_block)


def fit_model(request: FitRequest) -> Fit:
    """Memory, blocks and concurrency of one configuration.

    Raises:
        ConfigurationError: the question makes no sense (``check_request``); "does not fit" is an answer, not an error.
    """
    check_request(request)
    batched = request.max_num_batched_tokens or default_max_num_batched_tokens(request.gpu)
    automatic = min(AUTOMATIC_MAX_NUM_SEQS, default_max_num_seqs(request.gpu))
    reserve = _reserve(request, request.max_num_seqs or automatic, batched)
    requested_bytes = int(request.gpu.usable_memory_bytes * request.gpu_memory_utilization)
    options = _cache_options(request)
    stages = [
        _fit_stage(request, options, stage, requested_bytes - reserve.total_bytes)
        for stage in list_pipeline_stages(request.model, request.pipeline_parallel_size)
    ]
    tightest = min(stages, key=lambda stage: stage.num_blocks)
    pool, blocks = tightest.pool, tightest.num_blocks
    needed = pool.count_request_blocks(request.max_model_len)
    safe = max(1, min(automatic, blocks // pool.worst_short_request_blocks))
    max_num_seqs = request.max_num_seqs or safe
    fit = Fit(
        request=request,
        kv_cache_dtype=options.kv_cache_dtype,
        fits=False,
        reasons=(),
        notes=(),
        requested_bytes=requested_bytes,
        weights_bytes=tightest.weights_bytes,
        reserve=reserve,
        available_bytes=tightest.available_bytes,
        num_blocks=blocks,
        block_size_tokens=pool.block_tokens,
        bytes_per_block=pool.bytes_per_block,
        blocks_per_request=needed,
        max_concurrency=blocks / needed,
        short_requests=max(0, blocks - 1) // pool.short_request_blocks,
        short_requests_worst_case=max(0, blocks - 1) // pool.worst_short_request_blocks,
        max_num_seqs=max_num_seqs,
        max_num_batched_tokens=batched,
        longest_context_tokens=min(pool.longest_context(blocks), _context_limit(request)),
        state_bytes=min(blocks, blocks // needed * pool.state_blocks) * pool.bytes_per_block,
        valid_tensor_parallel_sizes=list_sizes(request),
    )
    reasons = _list_reasons(fit)
    return replace(fit, fits=not reasons, reasons=reasons, notes=_list_notes(fit))


def _context_limit(request: FitRequest) -> int:
    return request.model.max_context_tokens if request.long_context else request.model.native_context_tokens


def _reserve(request: FitRequest, max_num_seqs: int, batched: int) -> Reserve:
    if request.reserve_bytes is not None:
        return Reserve(request.reserve_bytes, 0, 0)
    workload = Workload(
        max_num_seqs=max_num_seqs,
        max_num_batched_tokens=batched,
        tensor_parallel_size=request.tensor_parallel_size,
        expert_shards=request.tensor_parallel_size * request.data_parallel_size,
        is_expert_parallel=request.expert_parallel,
        ranks=request.gpus,
        profiles_vision=request.loads_vision,
        mtp_tokens=request.mtp_tokens,
        enforce_eager=request.enforce_eager,
    )
    return find_rules(request.gpu).estimate_reserve(request.model.architecture, workload)


def _cache_options(request: FitRequest) -> CacheOptions:
    """``auto`` resolved as vLLM does.

    A checkpoint's own ``kv_cache_quant_algo`` wins; sparse MLA on data-centre Blackwell takes FP8
    (``model_executor/models/config.py``, ``GlmMoeDsaForCausalLM``).
    """
    is_sm100 = request.gpu.compute_capability.startswith("10.")
    dtype = request.kv_cache_dtype
    if dtype == "auto":
        dtype = request.checkpoint.kv_cache_dtype
        latent = request.model.architecture.latent_attention
        if dtype == "auto" and is_sm100 and latent is not None and latent.index_heads is not None:
            dtype = "fp8_e4m3"
    rules = find_rules(request.gpu)
    return CacheOptions(
        tensor_parallel_size=request.tensor_parallel_size,
        kv_cache_dtype=dtype,
        state_dtype=request.state_dtype,
        mtp_tokens=request.mtp_tokens,
        prefix_caching=request.prefix_caching,
        block_size=request.block_size,
        is_sm100=is_sm100,
        block_tokens=rules.block_tokens,
        kernel_block_tokens=rules.kernel_block_tokens,
    )


def _fit_stage(request: FitRequest, options: CacheOptions, stage: PipelineStage, budget_bytes: int) -> _StageFit:
    loading = WeightLoading(
        tensor_parallel_size=request.tensor_parallel_size,
        expert_shards=request.tensor_parallel_size * request.data_parallel_size,
        is_expert_parallel=request.expert_parallel,
        loads_vision=request.loads_vision,
        shards_vision=not request.replicates_vision,
        loads_mtp=request.mtp_tokens > 0,
    )
    weights_bytes = count_weight_bytes(request.model, request.checkpoint, loading, stage)
    return _StageFit(weights_bytes, plan_cache(request.model, options, stage), budget_bytes - weights_bytes)


def _list_reasons(fit: Fit) -> tuple[str, ...]:
    """Why it does not start, the root cause first; empty when it does."""
    request, context_bytes = fit.request, find_rules(fit.request.gpu).context_bytes
    if fit.requested_bytes > request.gpu.usable_memory_bytes - context_bytes:
        return (
            f"vLLM would ask for {_gib(fit.requested_bytes)} of {_gib(request.gpu.usable_memory_bytes)}, "
            f"but the CUDA context takes {_gib(context_bytes)} of it first",
        )
    if fit.available_bytes < fit.bytes_per_block:
        return (
            f"weights ({_gib(fit.weights_bytes)}) and reserve ({_gib(fit.reserve.total_bytes)}) leave no room for the "
            f"cache in {_gib(fit.requested_bytes)} {find_rules(request.gpu).unit}",
        )
    reasons = []
    if fit.num_blocks < fit.blocks_per_request + 1:
        reasons.append(
            f"one request of {request.max_model_len} tokens needs {fit.blocks_per_request + 1} blocks and "
            f"{fit.num_blocks} fit: the longest context here is {fit.longest_context_tokens} tokens"
        )
    if fit.max_num_seqs > fit.num_blocks:
        reasons.append(
            f"max_num_seqs {fit.max_num_seqs} is above the {fit.num_blocks} blocks that fit, "
            "with which vLLM refuses to start"
        )
    if fit.max_num_seqs > fit.max_num_batched_tokens:
        reasons.append(f"max_num_seqs {fit.max_num_seqs} is above max_num_batched_tokens {fit.max_num_batched_tokens}")
    return tuple(reasons)


def _list_notes(fit: Fit) -> tuple[str, ...]:
    """What is worth knowing although it starts."""
    request, notes = fit.request, []
    if request.gpu.usable_memory_bytes - fit.requested_bytes < find_rules(request.gpu).free_bytes:
        notes.append("less than 0.7 GiB stays outside vLLM's share: real use is about 0.6 GiB above it")
    ranks = request.tensor_parallel_size * request.pipeline_parallel_size
    if ranks > request.gpu.gpus_per_node:
        notes.append(f"{ranks} GPUs are more than the {request.gpu.gpus_per_node} of one node")
    if fit.short_requests_worst_case < fit.max_num_seqs <= fit.num_blocks:
        notes.append(f"more than {fit.short_requests_worst_case} short requests at once may preempt each other")
    if request.precision == "nvfp4" and request.kv_cache_dtype == "auto" and request.checkpoint.kv_cache_dtype == "fp8":
        notes.append("the checkpoint asks for an FP8 key/value cache")
    return tuple(notes)


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / _GIB:.1f} GiB"
