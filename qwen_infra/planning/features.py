"""What the server's features mean for vLLM's command line: which flag gets which value, and why."""

import shlex

from qwen_infra.catalog import Model
from qwen_infra.errors import ConfigurationError
from qwen_infra.planning.server_arguments import ServerArguments
from qwen_infra.settings import ServerSettings, StackSettings
from qwen_infra.sizing import Fit

__all__ = ["choose_arguments"]


def choose_arguments(
    settings: StackSettings, model: Model, fit: Fit, mount_path: str, shutdown_timeout_s: int
) -> ServerArguments:
    """The command line for a model and what was predicted of it.

    Raises:
        ConfigurationError: an argument among ``extraArgs`` that must not stand there.
    """
    server = settings.server
    return ServerArguments(
        model_path=mount_path,
        served_model_name=server.served_model_name,
        port=settings.endpoint.port,
        tensor_parallel_size=server.tensor_parallel_size,
        max_model_len=server.max_model_len,
        max_num_seqs=fit.max_num_seqs,
        gpu_memory_utilization=server.gpu_memory_utilization,
        prefix_caching=server.prefix_caching,
        reasoning_parser=model.reasoning_parser if server.thinking else None,
        tool_call_parser=model.tool_call_parser if server.tools else None,
        default_thinking=model.default_thinking,
        text_only=server.text_only,
        quantization=server.quantization,
        shutdown_timeout_s=shutdown_timeout_s,
        extra=_extra_arguments(server),
    )


def _extra_arguments(server: ServerSettings) -> tuple[str, ...]:
    key = "qwen-infra:server.extraArgs"
    words = tuple(word for line in server.extra_args for word in shlex.split(line))
    if any(word == "--api-key" or word.startswith("--api-key=") for word in words):
        raise ConfigurationError(
            "an API key among the arguments would stand in the process list and in the manifest",
            where=key,
            mend="use qwen-infra:endpoint.apiKey, an existing Secret, or leave it out to have a key made",
        )
    return words
