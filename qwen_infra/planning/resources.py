"""CPU and memory of one server: the reference's for each GPU, at most the GPU's share of a typical node."""

from qwen_infra.catalog import Gpu
from qwen_infra.errors import ConfigurationError
from qwen_infra.quantities import parse_quantity
from qwen_infra.settings import ResourceSettings, ServerSettings
from qwen_infra.sizing.devices import POD_SHARED_GIB

__all__ = ["plan_resources", "read_gib"]

REQUEST_GIB, LIMIT_GIB, SHARED_GIB = 50, 100, 16
"""Of the reference deployment (200, 400 and 64 GiB) for each of its four GPUs."""
CPU_REQUEST, CPU_LIMIT = 4, 8
WORKING_GIB = 4
"""What the processes of vLLM need at least beside /dev/shm and offloaded cache. Not measured."""


def plan_resources(server: ServerSettings, gpu: Gpu, gpus: int) -> ResourceSettings:
    """The stack file's values, and derived ones where it says nothing.

    Raises:
        ConfigurationError: /dev/shm and offloaded cache, which count as the container's memory, leave it too little.
    """
    offloaded = server.kv_offloading_gib or 0
    derived = (
        _derive_for_processor(gpu, server.resources) if gpu.kind == "cpu" else _derive_for_gpus(gpu, gpus, offloaded)
    )
    given = server.resources.model_dump(include=server.resources.model_fields_set)
    found = ResourceSettings(**(derived | given))
    _check_memory(found, offloaded)
    return found


def _derive_for_gpus(gpu: Gpu, gpus: int, offloaded_gib: float) -> dict[str, str]:
    limit = min(LIMIT_GIB * gpus, 0.8 * gpu.node_memory_gib / gpu.gpus_per_node * gpus)
    return {
        "cpu_request": str(min(CPU_REQUEST * gpus, gpu.node_cpu // 2)),
        "cpu_limit": str(min(CPU_LIMIT * gpus, gpu.node_cpu)),
        "memory_request": f"{int(limit / 2 + offloaded_gib)}Gi",
        "memory_limit": f"{int(limit + offloaded_gib)}Gi",
        "shared_memory": f"{int(min(SHARED_GIB * gpus, limit / 4))}Gi",
    }


def _derive_for_processor(gpu: Gpu, given: ResourceSettings) -> dict[str, str]:
    """Half of a laptop; all memory is reserved, since weights and cache fill it from the start."""
    memory = f"{gpu.usable_memory_bytes / 2**30 + POD_SHARED_GIB:.0f}Gi"
    if "memory_limit" in given.model_fields_set:
        memory = given.memory_limit
    return {
        "cpu_request": str(gpu.node_cpu // 4),
        "cpu_limit": str(gpu.node_cpu // 2),
        "memory_request": memory,
        "memory_limit": memory,
        "shared_memory": f"{POD_SHARED_GIB}Gi",
    }


def read_gib(quantity: str) -> float:
    """A Kubernetes quantity of memory in GiB."""
    size = parse_quantity(quantity)
    assert size is not None  # settings accept quantities only
    return size / 2**30


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
