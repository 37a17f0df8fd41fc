"""CPU and memory of one server: the reference's for each GPU, at most the GPU's share of a typical node."""

import re

from qwen_infra.catalog import Gpu
from qwen_infra.errors import ConfigurationError
from qwen_infra.settings import ResourceSettings, ServerSettings

__all__ = ["plan_resources", "read_gib"]

REQUEST_GIB, LIMIT_GIB, SHARED_GIB = 50, 100, 16
"""Of the reference deployment (200, 400 and 64 GiB) for each of its four GPUs."""
CPU_REQUEST, CPU_LIMIT = 4, 8
WORKING_GIB = 4
"""What the processes of vLLM need at least beside /dev/shm and offloaded cache. Not measured."""
_UNITS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "m": 1e-3}


def plan_resources(server: ServerSettings, gpu: Gpu, gpus: int) -> ResourceSettings:
    """The stack file's values, and derived ones where it says nothing.

    Raises:
        ConfigurationError: /dev/shm and offloaded cache, which count as the container's memory, leave it too little.
    """
    share_gib = gpu.node_memory_gib / gpu.gpus_per_node * gpus
    offloaded = server.kv_offloading_gib or 0
    limit = min(LIMIT_GIB * gpus, 0.8 * share_gib)
    derived = {
        "cpu_request": str(min(CPU_REQUEST * gpus, gpu.node_cpu // 2)),
        "cpu_limit": str(min(CPU_LIMIT * gpus, gpu.node_cpu)),
        "memory_request": f"{int(limit / 2 + offloaded)}Gi",
        "memory_limit": f"{int(limit + offloaded)}Gi",
        "shared_memory": f"{int(min(SHARED_GIB * gpus, limit / 4))}Gi",
    }
    given = server.resources.model_dump(include=server.resources.model_fields_set)
    found = ResourceSettings(**(derived | given))
    _check_memory(found, offloaded)
    return found


def read_gib(quantity: str) -> float:
    """A Kubernetes quantity of memory in GiB."""
    match = re.fullmatch(r"([0-9.]+)([a-zA-Z]*)", quantity)
    assert match is not None  # settings accept quantities only
    return float(match[1]) * _UNITS[match[2]] / 2**30


def _check_memory(resources: ResourceSettings, offloaded_gib: float) -> None:
    counted = read_gib(resources.shared_memory) + offloaded_gib
    if read_gib(resources.memory_limit) >= counted + WORKING_GIB:
        return
    raise ConfigurationError(
        f"/dev/shm{' and offloaded cache' if offloaded_gib else ''} count as the container's memory, and leave it too "
        "little, so that it would be killed under load",
        where="qwen-infra:server.resources.memoryLimit",
        found=resources.memory_limit,
        expected=f"at least {int(counted + WORKING_GIB) + 1}Gi",
        mend=f"pulumi config set --path 'qwen-infra:server.resources.memoryLimit' {int(counted + WORKING_GIB) + 1}Gi",
    )
