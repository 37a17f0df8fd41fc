"""On which nodes a pod may run: the planned GPU, or the one node that was named, and the taints of GPU nodes."""

from collections.abc import Sequence
from typing import Any

from qwen_infra.planning.deployment_plan import ServerPlan
from qwen_infra.settings import TolerationSettings

__all__ = ["HOST_LABEL", "build_placement"]

HOST_LABEL = "kubernetes.io/hostname"


def build_placement(server: ServerPlan, nodes: Sequence[str] = ()) -> dict[str, Any]:
    """The part of a pod's spec that says where it runs.

    Args:
        server: whose GPU the node must have, and which node is named.
        nodes: host names of which one is needed, where the server names none: those that have the weights.
    """
    product = {server.gpu.node_label_key: server.gpu.product_label}
    chosen = (server.node,) if server.node else tuple(nodes)
    host = {HOST_LABEL: chosen[0]} if len(chosen) == 1 else {}
    return {
        "nodeSelector": product | host,
        **(_one_of(chosen) if len(chosen) > 1 else {}),
        "tolerations": [
            {"key": server.gpu.resource_name, "operator": "Exists", "effect": "NoSchedule"},
            *(_tolerate(taint) for taint in server.pod.tolerations),
        ],
    }


def _tolerate(taint: TolerationSettings) -> dict[str, Any]:
    value = {"operator": "Exists"} if taint.value is None else {"operator": "Equal", "value": taint.value}
    return {"key": taint.key, **value, **({"effect": taint.effect} if taint.effect else {})}


def _one_of(nodes: Sequence[str]) -> dict[str, Any]:
    term = {"matchExpressions": [{"key": HOST_LABEL, "operator": "In", "values": list(nodes)}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    return {"affinity": {"nodeAffinity": required}}
