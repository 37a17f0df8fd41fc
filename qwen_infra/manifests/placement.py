"""On which nodes a pod may run: the planned GPU, or the one node that was named, and the taints of GPU nodes."""

from typing import Any

from qwen_infra.planning.deployment_plan import ServerPlan
from qwen_infra.settings import TolerationSettings

__all__ = ["build_placement"]


def build_placement(server: ServerPlan) -> dict[str, Any]:
    """The part of a pod's spec that says where it runs; the same for the download and the server."""
    product = {server.gpu.node_label_key: server.gpu.product_label}
    host = {"kubernetes.io/hostname": server.node} if server.node else {}
    return {
        "nodeSelector": product | host,
        "tolerations": [
            {"key": server.gpu.resource_name, "operator": "Exists", "effect": "NoSchedule"},
            *(_tolerate(taint) for taint in server.pod.tolerations),
        ],
    }


def _tolerate(taint: TolerationSettings) -> dict[str, Any]:
    value = {"operator": "Exists"} if taint.value is None else {"operator": "Equal", "value": taint.value}
    return {"key": taint.key, **value, **({"effect": taint.effect} if taint.effect else {})}
