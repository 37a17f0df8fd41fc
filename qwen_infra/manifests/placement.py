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
    gpu = server.gpu
    chosen = (server.node,) if server.node else tuple(nodes)
    wanted = [(gpu.node_label_key, gpu.product_labels)] if gpu.node_label_key else []
    wanted += [(HOST_LABEL, chosen)] if chosen else []
    exact = {key: values[0] for key, values in wanted if len(values) == 1}
    several = [_one_of(key, values) for key, values in wanted if len(values) > 1]
    own_taints = [{"key": name, "operator": "Exists", "effect": "NoSchedule"} for name in gpu.devices]
    return {
        **({"nodeSelector": exact} if exact else {}),
        **(_require(several) if several else {}),
        "tolerations": [*own_taints, *(_tolerate(taint) for taint in server.pod.tolerations)],
    }


def _tolerate(taint: TolerationSettings) -> dict[str, Any]:
    value = {"operator": "Exists"} if taint.value is None else {"operator": "Equal", "value": taint.value}
    return {"key": taint.key, **value, **({"effect": taint.effect} if taint.effect else {})}


def _one_of(key: str, values: Sequence[str]) -> dict[str, Any]:
    return {"key": key, "operator": "In", "values": list(values)}


def _require(expressions: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """All of them in one term: a node must match each."""
    terms = [{"matchExpressions": list(expressions)}]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    return {"affinity": {"nodeAffinity": required}}
