"""What one pod of a server asks of its node: devices, processors, memory; what the scheduler counts."""

from collections.abc import Mapping

from qwen_infra.planning.deployment_plan import ServerPlan
from qwen_infra.quantities import parse_quantity

__all__ = ["pod_demand"]


def pod_demand(server: ServerPlan) -> Mapping[str, float]:
    """Resource to amount of one pod: whole devices, ``cpu`` in processors, ``memory`` in bytes."""
    asked = {"cpu": server.resources.cpu_request, "memory": server.resources.memory_request}
    return server.gpu.devices | {name: parse_quantity(quantity) or 0.0 for name, quantity in asked.items()}
