"""Environment variables of the server that follow from the plan; the key's, which holds a secret, is the manifest's."""

from qwen_infra.catalog import Gpu
from qwen_infra.planning.long_context import LONG_CONTEXT_VARIABLE
from qwen_infra.planning.server_arguments import ServerArguments
from qwen_infra.quantities import parse_quantity
from qwen_infra.settings import ResourceSettings

__all__ = ["choose_environment"]


def choose_environment(
    arguments: ServerArguments,
    gpu: Gpu,
    resources: ResourceSettings,
    start_timeout_s: int,
    *,
    usage_statistics: bool = False,
) -> dict[str, str]:
    """Variable to value. ``start_timeout_s``: start to Ready; vLLM by itself gives up after 600 s."""
    found = {"HF_HUB_OFFLINE": "1", "VLLM_ENGINE_READY_TIMEOUT_S": str(start_timeout_s)}
    if not usage_statistics:
        found["VLLM_NO_USAGE_STATS"] = "1"  # else vLLM tells its developers' server about GPU, model and arguments
    if arguments.hf_overrides is not None:
        found[LONG_CONTEXT_VARIABLE] = "1"
    if gpu.vendor == "amd":
        found["VLLM_ROCM_USE_AITER"] = "1"  # off by default, and 1.7 to 3.7 times slower without (vllm #56945)
    if gpu.kind == "cpu":
        found |= _threads(resources)
    return found


def _threads(resources: ResourceSettings) -> dict[str, str]:
    """As many as the pod may use, on no core in particular.

    By itself vLLM starts one a core of the node and binds it there (``utils/ompmultiprocessing.py``): above the pod's
    limit they wait for each other, and two pods would sit on the same cores.
    """
    threads = max(1, int(parse_quantity(resources.cpu_limit) or 1))
    return {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": str(threads)}
