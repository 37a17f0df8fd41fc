"""The accelerator of a server with the memory that vLLM may use there.

A GPU's memory is its own. On the processor it is the container's: vLLM takes the memory limit for the machine's memory
(vLLM 0.32, ``utils/cpu_resource_utils.py``), and /dev/shm counts against it.
"""

from qwen_infra.catalog import Gpu
from qwen_infra.planning.resources import read_gib
from qwen_infra.settings import ResourceSettings

__all__ = ["size_accelerator"]


def size_accelerator(gpu: Gpu, resources: ResourceSettings) -> Gpu:
    """The catalogue's entry, its memory taken from the pod's where it has none of its own."""
    if gpu.kind == "gpu":
        return gpu
    return gpu.with_memory(int((read_gib(resources.memory_limit) - read_gib(resources.shared_memory)) * 2**30))
