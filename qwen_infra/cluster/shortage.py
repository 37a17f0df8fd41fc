"""What a pod that finds no node lacks, node by node: the scheduler says how many nodes are short, not which.

Judged are the nodes that the pod's selector and affinity admit; taints and topology stay the scheduler's words.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from qwen_infra.cluster.facts import ClusterFacts, Node, pod_requests, read_nodes
from qwen_infra.cluster.kubectl import Kubectl, KubectlError

__all__ = ["describe_shortage", "find_shortage"]

_NODES_TOLD = 4
_GIB = 1 << 30


def find_shortage(kubectl: Kubectl, pod: Mapping[str, Any]) -> str | None:
    """:func:`describe_shortage` of a pod now; None too where nodes or pods may not be listed."""
    try:
        return describe_shortage(pod, read_nodes(kubectl))
    except KubectlError:
        return None


def describe_shortage(pod: Mapping[str, Any], facts: ClusterFacts) -> str | None:
    """Such as ``nvidia.com/gpu is short: it asks for 8, free are 0 of 8 on h100-1, 4 of 8 on h100-2``.

    None where the pods of the nodes are unknown, no node is admitted, or no resource is short on all of them.
    """
    if facts.pods is None:
        return None
    nodes = [node for node in facts.nodes if node.schedulable and node.ready and _admits(pod["spec"], node)]
    left = facts.left_beside(facts.pods)
    for resource, asked in sorted(pod_requests(pod["spec"]).items(), key=lambda item: "/" not in item[0]):
        free = {node.name: left[node.name].get(resource, 0.0) for node in nodes}
        if nodes and all(amount < asked for amount in free.values()):
            return f"{resource} is short: it asks for {_tell(resource, asked)}, free are {_list(resource, nodes, free)}"
    return None


def _list(resource: str, nodes: Sequence[Node], free: Mapping[str, float]) -> str:
    told = []
    for node in nodes[:_NODES_TOLD]:
        left, all_of_it = max(free[node.name], 0.0), node.amounts.get(resource, 0.0)
        told.append(f"{_tell(resource, left)} of {_tell(resource, all_of_it)} on {node.name}")
    more = len(nodes) - _NODES_TOLD
    return ", ".join(told) + (f", and no more on {more} other nodes" if more > 0 else "")


def _tell(resource: str, amount: float) -> str:
    is_bytes = resource == "memory" or resource.endswith("storage") or resource.startswith("hugepages")
    return f"{amount / _GIB:.4g} GiB" if is_bytes else f"{amount:g}"


def _admits(spec: Mapping[str, Any], node: Node) -> bool:
    selector = spec.get("nodeSelector") or {}
    affinity = spec.get("affinity", {}).get("nodeAffinity", {})
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution", {})
    terms = required.get("nodeSelectorTerms", ())
    return all(node.labels.get(key) == value for key, value in selector.items()) and (
        not terms or any(_meets(term.get("matchExpressions", ()), node) for term in terms)
    )


def _meets(expressions: Sequence[Mapping[str, Any]], node: Node) -> bool:
    return all(_meets_one(one, node.labels.get(one["key"])) for one in expressions)


def _meets_one(expression: Mapping[str, Any], value: str | None) -> bool:
    """Gt and Lt, which nothing here writes, count as met."""
    values = expression.get("values", ())
    answers = {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }
    return answers.get(expression["operator"], True)
