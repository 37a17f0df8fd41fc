"""What the server's features mean for vLLM's command line: which flag gets which value, and why."""

from collections.abc import Mapping
from typing import Any

from qwen_infra.catalog import Gpu, Model
from qwen_infra.errors import ConfigurationError
from qwen_infra.guard import MIDDLEWARE
from qwen_infra.planning.extra_arguments import read_extra_arguments
from qwen_infra.planning.long_context import build_rope_overrides
from qwen_infra.planning.sampling import build_generation_config
from qwen_infra.planning.server_arguments import ServerArguments
from qwen_infra.settings import ServerSettings, StackSettings
from qwen_infra.sizing import Fit

__all__ = ["check_features", "choose_arguments"]


def check_features(server: ServerSettings, model: Model, gpu: Gpu) -> None:
    """Refuse features that exclude each other, or that this model or GPU has not.

    Raises:
        ConfigurationError: names the key that is to blame.
    """
    if server.encoder_data_parallel and (server.text_only or model.architecture.vision is None):
        why = "textOnly leaves it out" if server.text_only else f"{model.name} has none"
        raise _refuse("encoderDataParallel", f"there is no vision tower to spread: {why}")
    if server.thinking_by_default is not None and model.reasoning_parser is None:
        raise _refuse("thinkingByDefault", f"{model.name} does not think")
    if gpu.kind == "cpu":
        _check_processor(server, gpu)
    if server.kv_cache_dtype == "nvfp4" and gpu.vendor != "nvidia":
        raise _refuse("kvCacheDtype", f"a {gpu.name} has no NVFP4 KV cache", found="nvfp4", mend_value="fp8")


def _check_processor(server: ServerSettings, gpu: Gpu) -> None:
    """What vLLM's backend for processors has not, or would only waste."""
    refused = {
        "kvOffloadingGib": (server.kv_offloading_gib, "the cache is in the node's memory already"),
        "quantization": (server.quantization, f"a {gpu.name} serves BF16 checkpoints, which have none"),
        "computeDomain": (server.compute_domain, "there is no GPU memory to share"),
    }
    for key, (value, why) in refused.items():
        if value:
            raise _refuse(key, why, found=value)


def choose_arguments(
    settings: StackSettings, model: Model, fit: Fit, mount_path: str, shutdown_timeout_s: int
) -> ServerArguments:
    """The command line for a model and what was predicted of it.

    Raises:
        ConfigurationError: an argument among ``extraArgs`` that must not stand there, an unknown sampling preset.
    """
    server = settings.server
    has_tools = server.tools and model.tool_call_parser is not None
    arguments = ServerArguments(
        model_path=mount_path,
        served_model_name=server.served_model_name,
        port=settings.endpoint.port,
        tensor_parallel_size=server.tensor_parallel_size,
        pipeline_parallel_size=_unless_one(server.pipeline_parallel_size),
        data_parallel_size=_unless_one(server.data_parallel_size),
        expert_parallel=server.expert_parallel,
        nnodes=_unless_one(server.nodes),
        max_model_len=server.max_model_len,
        max_num_seqs=fit.max_num_seqs,
        max_num_batched_tokens=server.max_num_batched_tokens,
        **_cache_memory(server, fit),
        prefix_caching=server.prefix_caching,
        reasoning_parser=model.reasoning_parser if server.thinking else None,
        chat_template_kwargs=_thinking_default(server, model),
        thinks_by_default=_thinks(server, model),
        has_tool_choice=has_tools,
        tool_call_parser=model.tool_call_parser if has_tools else None,
        text_only=server.text_only,
        encoder_tp_mode="data" if server.encoder_data_parallel else None,
        speculative={"method": "mtp", "num_speculative_tokens": server.mtp_tokens} if server.mtp_tokens else None,
        hf_overrides=build_rope_overrides(model, server.max_model_len),
        quantization=server.quantization,
        kv_cache_dtype=None if server.kv_cache_dtype == "auto" else server.kv_cache_dtype,
        state_dtype=None if server.state_dtype == "auto" else server.state_dtype,
        kv_offloading_gib=server.kv_offloading_gib,
        # the only backend that may be used with a hybrid model: LMCache's connectors do not support its memory groups
        kv_offloading_backend="native" if server.kv_offloading_gib else None,
        generation_config=build_generation_config(server.sampling_defaults, model),
        enforce_eager=server.enforce_eager,
        shutdown_timeout_s=shutdown_timeout_s,
        extra=read_extra_arguments(server.extra_args),
        middleware=MIDDLEWARE,
    )
    arguments.check()
    return arguments


def _cache_memory(server: ServerSettings, fit: Fit) -> dict[str, Any]:
    """A share of the GPU, or on a processor the cache's own size.

    There a share would be of what the kernel happens to call available when the server starts.
    """
    if fit.request.gpu.kind == "cpu":
        return {"gpu_memory_utilization": None, "kv_cache_memory_bytes": fit.kv_cache_bytes}
    return {"gpu_memory_utilization": server.gpu_memory_utilization}


def _unless_one(size: int) -> int | None:
    return size if size > 1 else None


def _thinks(server: ServerSettings, model: Model) -> bool:
    return model.default_thinking if server.thinking_by_default is None else server.thinking_by_default


def _thinking_default(server: ServerSettings, model: Model) -> Mapping[str, Any] | None:
    """Said where it was asked for, and for models that do not think unless told (0.8B, 2B).

    Without it the qwen3 parser puts whole answers of those into ``reasoning``, and ``content`` is null.
    """
    has_silent_parser = server.thinking and model.reasoning_parser is not None and not model.default_thinking
    if server.thinking_by_default is None and not has_silent_parser:
        return None
    return {"enable_thinking": _thinks(server, model)}


def _refuse(key: str, what: str, found: object = "true", mend_value: str | None = None) -> ConfigurationError:
    path = f"qwen-infra:server.{key}"
    mend = f"pulumi config set --path '{path}' {mend_value}" if mend_value else f"pulumi config rm --path '{path}'"
    return ConfigurationError(what, where=path, found=found, mend=mend)
