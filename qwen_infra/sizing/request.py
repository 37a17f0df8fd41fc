"""The question that sizing answers, as one value, and the checks that refuse a question that makes no sense.

Not here: the answer (``fit.py``). A question that makes sense but whose answer is no is not an error.
"""

from dataclasses import dataclass

from qwen_infra.catalog import Checkpoint, Gpu, Model
from qwen_infra.errors import ConfigurationError
from qwen_infra.sizing.kv_cache import KvCacheDtype, StateDtype
from qwen_infra.sizing.parallelism import Cut, explain_invalid_cut, list_tensor_parallel_sizes

__all__ = [
    "ContextTooLongError",
    "FitRequest",
    "InvalidNumberError",
    "InvalidParallelismError",
    "UnsupportedPrecisionError",
    "check_request",
    "default_max_num_batched_tokens",
    "default_max_num_seqs",
    "list_sizes",
]

_KEYS = {
    "tensor_parallel_size": "qwen-infra:server.tensorParallelSize",
    "pipeline_parallel_size": "qwen-infra:server.pipelineParallelSize",
    "data_parallel_size": "qwen-infra:server.dataParallelSize",
    "max_model_len": "qwen-infra:server.maxModelLen",
    "max_num_seqs": "qwen-infra:server.maxNumSeqs",
    "max_num_batched_tokens": "qwen-infra:server.maxNumBatchedTokens",
    "block_size": "qwen-infra:server.blockSize",
}


class InvalidNumberError(ConfigurationError):
    """A number is zero, negative or out of its range."""


class UnsupportedPrecisionError(ConfigurationError):
    """The GPU cannot run that precision."""


class InvalidParallelismError(ConfigurationError):
    """The model cannot be cut into that many pieces."""


class ContextTooLongError(ConfigurationError):
    """The context is above the model's native one without the long-context setting, or above the extended one."""


@dataclass(frozen=True, slots=True)
class FitRequest:
    """One server configuration: what is to run on what, with vLLM's own names and defaults.

    Args:
        data_parallel_size: engines that share the routed experts of one deployment, not Kubernetes replicas.
        max_model_len: longest prompt plus answer [tokens].
        gpu_memory_utilization: share of the usable memory that vLLM takes (default of vLLM 0.32).
        max_num_seqs: requests at once; None for the safe number that the answer carries.
        max_num_batched_tokens: tokens of one step; None for vLLM's default on that GPU.
        text_only: ``--language-model-only``.
        mtp_tokens: speculative tokens of multi-token prediction; 0 for none.
        state_dtype: ``--mamba-ssm-cache-dtype``.
        replicates_vision: ``--mm-encoder-tp-mode data``.
        long_context: whether contexts above the native one are meant (YaRN).
        reserve_bytes: a reserve to assume instead of the estimated one [B], for tables that fix it.
    """

    model: Model
    precision: str
    gpu: Gpu
    tensor_parallel_size: int = 1
    pipeline_parallel_size: int = 1
    data_parallel_size: int = 1
    expert_parallel: bool = False
    max_model_len: int = 262144
    gpu_memory_utilization: float = 0.92
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    text_only: bool = False
    mtp_tokens: int = 0
    prefix_caching: bool = True
    kv_cache_dtype: KvCacheDtype = "auto"
    state_dtype: StateDtype = "auto"
    block_size: int | None = None
    replicates_vision: bool = False
    long_context: bool = False
    enforce_eager: bool = False
    reserve_bytes: int | None = None

    @property
    def checkpoint(self) -> Checkpoint:
        return self.model.checkpoint(self.precision)

    @property
    def gpus(self) -> int:
        """GPUs that the configuration takes."""
        return self.tensor_parallel_size * self.pipeline_parallel_size * self.data_parallel_size

    @property
    def cut(self) -> Cut:
        """How the model is spread over the GPUs."""
        return Cut(
            self.tensor_parallel_size,
            self.data_parallel_size,
            is_expert_parallel=self.expert_parallel,
            loads_vision=self.loads_vision,
            shards_vision=not self.replicates_vision,
        )

    @property
    def loads_vision(self) -> bool:
        return self.model.architecture.vision is not None and not self.text_only


def default_max_num_batched_tokens(gpu: Gpu) -> int:
    """Tokens of one step by vLLM's default (API server, ``engine/arg_utils.py``): by memory, and less on an A100."""
    if gpu.kind == "cpu":
        return 2048
    if gpu.usable_memory_gib >= 160:
        return 16384
    if gpu.usable_memory_gib >= 70 and "A100" not in gpu.name:
        return 8192
    return 2048


def default_max_num_seqs(gpu: Gpu) -> int:
    """Sequences by vLLM's default for the API server. Qwen3.5 often cannot start with it: see ``Fit.max_num_seqs``."""
    if gpu.kind == "cpu":
        return 128
    return 1024 if gpu.usable_memory_gib >= 70 and "A100" not in gpu.name else 256


def list_sizes(request: FitRequest) -> tuple[int, ...]:
    """Tensor parallel sizes of the checkpoint on this device."""
    return list_tensor_parallel_sizes(request.model, request.precision) if request.gpu.can_share_model else (1,)


def check_request(request: FitRequest) -> None:
    """Refuses numbers, precisions, cuts and contexts that cannot be meant.

    Raises:
        ConfigurationError: one of the subclasses above or ``UnknownPrecisionError``; names the stack-file key.
    """
    _check_numbers(request)
    _check_precision(request)
    _check_cut(request)
    _check_context(request)


def _check_numbers(request: FitRequest) -> None:
    for field, key in _KEYS.items():
        value = getattr(request, field)
        if value is not None and value < 1:
            raise InvalidNumberError(f"{field} must be at least 1", where=key, found=value, expected="1 or more")
    if request.mtp_tokens < 0:
        raise InvalidNumberError(
            "mtp_tokens cannot be negative",
            where="qwen-infra:server.mtpTokens",
            found=request.mtp_tokens,
            expected="0 or more",
        )
    if not 0 < request.gpu_memory_utilization <= 1:
        raise InvalidNumberError(
            "the share of the GPU's memory must be above 0 and at most 1",
            where="qwen-infra:server.gpuMemoryUtilization",
            found=request.gpu_memory_utilization,
            expected="0.92",
        )
    if request.pipeline_parallel_size > request.model.architecture.layers:
        raise InvalidParallelismError(
            f"{request.model.name} has only {request.model.architecture.layers} layers",
            where=_KEYS["pipeline_parallel_size"],
            found=request.pipeline_parallel_size,
            mend=f"use at most {request.model.architecture.layers}",
        )


def _check_precision(request: FitRequest) -> None:
    precision = request.checkpoint.precision
    if precision not in request.gpu.precisions:
        usable = [name for name in request.model.precisions if name in request.gpu.precisions]
        raise UnsupportedPrecisionError(
            f"a {request.gpu.name} cannot run {precision}",
            where="qwen-infra:model.precision",
            found=precision,
            expected=" or ".join(usable) or None,
            mend=f"pulumi config set --path qwen-infra:model.precision {usable[0]}" if usable else None,
        )
    if request.mtp_tokens and not request.model.architecture.mtp_layers:
        raise InvalidNumberError(
            f"{request.model.name} has no MTP layer",
            where="qwen-infra:server.mtpTokens",
            found=request.mtp_tokens,
            expected=0,
        )


def _check_cut(request: FitRequest) -> None:
    if not request.gpu.can_share_model and request.gpus > 1:
        key = max(("tensor", "pipeline", "data"), key=lambda name: getattr(request, f"{name}_parallel_size"))
        raise InvalidParallelismError(
            "vLLM splits a model on processors only over NUMA nodes, which a pod does not choose; use replicas",
            where=_KEYS[f"{key}_parallel_size"],
            found=getattr(request, f"{key}_parallel_size"),
            expected=1,
            mend=f"pulumi config rm --path {_KEYS[f'{key}_parallel_size']}",
        )
    reason = explain_invalid_cut(request.model, request.checkpoint, request.cut)
    if reason is None:
        return
    sizes = list_sizes(request)
    nearest = min(sizes, key=lambda size: (abs(size - request.tensor_parallel_size), size))
    raise InvalidParallelismError(
        f"{request.model.name} {request.precision} cannot be cut for tensor parallel size "
        f"{request.tensor_parallel_size}: {reason}",
        where=_KEYS["tensor_parallel_size"],
        found=request.tensor_parallel_size,
        expected=" or ".join(str(size) for size in sizes),
        mend=f"pulumi config set --path qwen-infra:server.tensorParallelSize {nearest}",
    )


def _check_context(request: FitRequest) -> None:
    model, wanted = request.model, request.max_model_len
    limit = model.max_context_tokens if request.long_context else model.native_context_tokens
    if wanted <= limit:
        return
    can_extend = wanted <= model.max_context_tokens
    longest = limit if can_extend else model.max_context_tokens
    raise ContextTooLongError(
        f"{model.name} takes at most {longest} tokens"
        + (f", or {model.max_context_tokens} with the long-context setting" if can_extend else ""),
        where=_KEYS["max_model_len"],
        found=wanted,
        expected=f"at most {longest}",
        mend="pulumi config set --path qwen-infra:server.longContext true"
        if can_extend
        else f"pulumi config set --path qwen-infra:server.maxModelLen {model.native_context_tokens}",
    )
