"""Environment variables of the server that follow from the plan; the key's, which holds a secret, is the manifest's."""

from qwen_infra.catalog import Gpu
from qwen_infra.planning.long_context import LONG_CONTEXT_VARIABLE
from qwen_infra.planning.server_arguments import ServerArguments

__all__ = ["choose_environment"]


def choose_environment(arguments: ServerArguments, gpu: Gpu, start_timeout_s: int) -> dict[str, str]:
    """Variable to value. ``start_timeout_s``: start to Ready; vLLM by itself gives up after 600 s."""
    found = {"HF_HUB_OFFLINE": "1", "VLLM_ENGINE_READY_TIMEOUT_S": str(start_timeout_s)}
    if arguments.hf_overrides is not None:
        found[LONG_CONTEXT_VARIABLE] = "1"
    if gpu.vendor == "amd":
        found["VLLM_ROCM_USE_AITER"] = "1"  # off by default, and 1.7 to 3.7 times slower without (vllm #56945)
    return found
