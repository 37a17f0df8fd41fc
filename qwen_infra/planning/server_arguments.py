"""The vLLM command line as a typed value; the one place where a flag of ``vllm serve`` is added.

A field annotated with ``Flag`` is written under that flag; which value it gets is decided in
``qwen_infra.planning.features``. Flag names are those of vLLM 0.32, spelled out.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Annotated, Any, get_type_hints

from qwen_infra.vllm_flags import check_command_line

__all__ = ["Flag", "ServerArguments", "list_flags"]


@dataclass(frozen=True)
class Flag:
    """How a field stands on the command line.

    Args:
        name: the flag's full name in vLLM.
        key: stack-file key that decides its value; None where the program decides it alone.
        is_said_when_off: write ``--no-…`` for False instead of leaving the flag out.
    """

    name: str
    key: str | None = None
    is_said_when_off: bool = False

    @property
    def negation(self) -> str:
        """The flag's opposite, as argparse makes it."""
        return f"--no-{self.name.removeprefix('--')}"


@dataclass(frozen=True, kw_only=True)
class ServerArguments:
    """Arguments of ``vllm serve``; ``None`` and ``False`` leave a flag out, except where vLLM's default is on.

    Lengths are in tokens, ``gpu_memory_utilization`` is a share of the GPU's memory, ``kv_offloading_gib`` is in GiB
    over all GPUs of one server, ``shutdown_timeout_s`` in seconds. Mappings become JSON.
    """

    model_path: str
    served_model_name: Annotated[str, Flag("--served-model-name", "server.servedModelName")]
    host: Annotated[str, Flag("--host")] = "0.0.0.0"
    port: Annotated[int, Flag("--port", "endpoint.port")]
    tensor_parallel_size: Annotated[int, Flag("--tensor-parallel-size", "server.tensorParallelSize")]
    pipeline_parallel_size: Annotated[int | None, Flag("--pipeline-parallel-size", "server.pipelineParallelSize")] = (
        None
    )
    data_parallel_size: Annotated[int | None, Flag("--data-parallel-size", "server.dataParallelSize")] = None
    expert_parallel: Annotated[bool, Flag("--enable-expert-parallel", "server.expertParallel")] = False
    nnodes: Annotated[int | None, Flag("--nnodes", "server.nodes")] = None
    gpu_memory_utilization: Annotated[float | None, Flag("--gpu-memory-utilization", "server.gpuMemoryUtilization")]
    kv_cache_memory_bytes: Annotated[int | None, Flag("--kv-cache-memory-bytes", "server.gpuMemoryUtilization")] = None
    max_model_len: Annotated[int, Flag("--max-model-len", "server.maxModelLen")]
    max_num_seqs: Annotated[int | None, Flag("--max-num-seqs", "server.maxNumSeqs")]
    max_num_batched_tokens: Annotated[int | None, Flag("--max-num-batched-tokens", "server.maxNumBatchedTokens")] = None
    # always said: the default was off in 0.24 and is on in 0.32
    prefix_caching: Annotated[bool, Flag("--enable-prefix-caching", "server.prefixCaching", is_said_when_off=True)]
    reasoning_parser: Annotated[str | None, Flag("--reasoning-parser", "server.thinking")]
    chat_template_kwargs: Annotated[
        Mapping[str, Any] | None, Flag("--default-chat-template-kwargs", "server.thinkingByDefault")
    ] = None
    has_tool_choice: Annotated[bool, Flag("--enable-auto-tool-choice", "server.tools")]
    tool_call_parser: Annotated[str | None, Flag("--tool-call-parser", "server.tools")]
    text_only: Annotated[bool, Flag("--language-model-only", "server.textOnly")]
    encoder_tp_mode: Annotated[str | None, Flag("--mm-encoder-tp-mode", "server.encoderDataParallel")] = None
    speculative: Annotated[Mapping[str, Any] | None, Flag("--speculative-config", "server.mtpTokens")] = None
    hf_overrides: Annotated[Mapping[str, Any] | None, Flag("--hf-overrides", "server.longContext")] = None
    quantization: Annotated[str | None, Flag("--quantization", "server.quantization")]
    kv_cache_dtype: Annotated[str | None, Flag("--kv-cache-dtype", "server.kvCacheDtype")] = None
    state_dtype: Annotated[str | None, Flag("--mamba-ssm-cache-dtype", "server.stateDtype")] = None
    kv_offloading_gib: Annotated[float | None, Flag("--kv-offloading-size", "server.kvOffloadingGib")] = None
    kv_offloading_backend: Annotated[str | None, Flag("--kv-offloading-backend", "server.kvOffloadingGib")] = None
    generation_config: Annotated[
        Mapping[str, Any] | None, Flag("--override-generation-config", "server.samplingDefaults")
    ] = None
    enforce_eager: Annotated[bool, Flag("--enforce-eager", "server.enforceEager")] = False
    # /docs and /openapi.json answer without the key
    disable_fastapi_docs: Annotated[bool, Flag("--disable-fastapi-docs")] = True
    shutdown_timeout_s: Annotated[int, Flag("--shutdown-timeout", "server.longestAnswerTokens")]
    middleware: Annotated[str | None, Flag("--middleware")] = None
    thinks_by_default: bool
    """Whether a request thinks that says nothing of it."""
    extra: tuple[str, ...] = ()

    def command(self) -> tuple[str, ...]:
        """The exec form, without a shell: ``vllm serve MODEL --flag value ...``."""
        return ("vllm", "serve", self.model_path, *self._words(), *self.extra)

    def check(self) -> None:
        """Refuse a value that vLLM's parser refuses.

        Raises:
            ConfigurationError: names the stack-file key of the flag.
        """
        for name, flag in list_flags().items():
            where = f"qwen-infra:{flag.key}" if flag.key else flag.name
            check_command_line(_write(flag, getattr(self, name)), where=where)

    def _words(self) -> Iterator[str]:
        for name, flag in list_flags().items():
            yield from _write(flag, getattr(self, name))


@cache
def list_flags() -> Mapping[str, Flag]:
    """Field name to flag, in the order of the command line."""
    hints = get_type_hints(ServerArguments, include_extras=True)
    found = {}
    for field in fields(ServerArguments):
        flag = next((item for item in getattr(hints[field.name], "__metadata__", ()) if isinstance(item, Flag)), None)
        if flag is not None:
            found[field.name] = flag
    return found


def _write(flag: Flag, value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, bool):
        off = (flag.negation,) if flag.is_said_when_off else ()
        return (flag.name,) if value else off
    if isinstance(value, Mapping):
        return (flag.name, json.dumps(value))
    return (flag.name, str(value))
