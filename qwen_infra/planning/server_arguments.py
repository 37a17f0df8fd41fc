"""The vLLM command line as a typed value; the one place where a flag of ``vllm serve`` is added.

Which value a flag gets is decided in ``qwen_infra.planning.plan``. Flag names are those of vLLM 0.32.
"""

from dataclasses import dataclass

__all__ = ["ServerArguments"]


@dataclass(frozen=True)
class ServerArguments:
    """Arguments of ``vllm serve``; ``None`` and ``False`` leave a flag out, except where vLLM's default is on.

    Lengths are in tokens, ``gpu_memory_utilization`` is a share of the GPU's memory, ``shutdown_timeout_s`` in seconds.
    """

    model_path: str
    served_model_name: str
    port: int
    tensor_parallel_size: int
    max_model_len: int
    max_num_seqs: int | None
    gpu_memory_utilization: float
    prefix_caching: bool
    reasoning_parser: str | None
    tool_call_parser: str | None
    default_thinking: bool
    text_only: bool
    quantization: str | None
    shutdown_timeout_s: int
    extra: tuple[str, ...] = ()

    def command(self) -> tuple[str, ...]:
        """The exec form, without a shell: ``vllm serve MODEL --flag value ...``."""
        return ("vllm", "serve", self.model_path, *self._required(), *self._optional(), *self.extra)

    def _required(self) -> tuple[str, ...]:
        return (
            *("--served-model-name", self.served_model_name),
            *("--host", "0.0.0.0"),
            *("--port", str(self.port)),
            *("--tensor-parallel-size", str(self.tensor_parallel_size)),
            *("--gpu-memory-utilization", str(self.gpu_memory_utilization)),
            *("--max-model-len", str(self.max_model_len)),
            *("--shutdown-timeout", str(self.shutdown_timeout_s)),
            # always said: the default was off in 0.24 and is on in 0.32
            "--enable-prefix-caching" if self.prefix_caching else "--no-enable-prefix-caching",
        )

    def _optional(self) -> tuple[str, ...]:
        found: list[str] = []
        if self.max_num_seqs is not None:
            found += ["--max-num-seqs", str(self.max_num_seqs)]
        if self.reasoning_parser:
            found += ["--reasoning-parser", self.reasoning_parser]
            if not self.default_thinking:
                # else the qwen3 parser puts whole answers of 0.8B and 2B into `reasoning`
                found += ["--default-chat-template-kwargs", '{"enable_thinking": false}']
        if self.tool_call_parser:
            found += ["--enable-auto-tool-choice", "--tool-call-parser", self.tool_call_parser]
        if self.text_only:
            found += ["--language-model-only"]
        if self.quantization:
            found += ["--quantization", self.quantization]
        return tuple(found)
