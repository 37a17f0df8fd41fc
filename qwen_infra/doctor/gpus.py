"""GPU nodes and what is free on them, and whether each plan finds a node now. Pure."""

from collections.abc import Sequence

from qwen_infra.catalog import gpus
from qwen_infra.cluster.facts import ClusterFacts, Node
from qwen_infra.doctor.finding import Finding, missing, ok, unknown
from qwen_infra.placing import list_intolerable_taints, list_nodes, list_right_nodes, open_room
from qwen_infra.planning import DeploymentPlan
from qwen_infra.planning.rollout import SLOTS, generation_name

__all__ = ["examine_nodes"]

GPU_OPERATOR = "helm install gpu-operator nvidia/gpu-operator (device plugin and feature discovery)"
_RESOURCES = sorted({gpu.resource_name for gpu in gpus() if gpu.resource_name})
_LABELS = sorted({gpu.node_label_key for gpu in gpus() if gpu.node_label_key})


def examine_nodes(facts: ClusterFacts, plans: Sequence[DeploymentPlan] = ()) -> list[Finding]:
    """A row a GPU node, and a row a plan: whether one of the nodes can take a pod of it now."""
    found = sorted((node for node in facts.nodes if _count(node) or _product(node)), key=lambda node: node.name)
    rows = [_describe(node, facts) for node in found]
    needs_gpus = not plans or any(plan.server.gpu.devices for plan in plans)
    if not found and needs_gpus:
        return [missing("GPU nodes", "no node has a GPU that Kubernetes can give out", GPU_OPERATOR)]
    return rows + [_judge(plan, facts) for plan in plans]


def _count(node: Node) -> int:
    return sum(node.count(name) for name in _RESOURCES)


def _product(node: Node) -> str | None:
    return next((node.labels[key] for key in _LABELS if key in node.labels), None)


def _describe(node: Node, facts: ClusterFacts) -> Finding:
    what = f"node {node.name}"
    product, count = _product(node), _count(node)
    if count == 0:
        return missing(what, f"labelled {product}, but gives out no GPU", GPU_OPERATOR)
    left = open_room(facts, facts.pods or ()).left[node.name]
    free = "unknown how many" if facts.pods is None else f"{sum(left.get(name, 0) for name in _RESOURCES):g}"
    kind = product or "GPUs without a product label"
    simulated = ", simulated" if node.simulated else ""
    told = f"{count} x {kind}, {free} free, {node.labels.get('kubernetes.io/arch', 'unknown')}{simulated}"
    if not (node.ready and node.schedulable):
        return unknown(what, f"{told}; not ready or cordoned", f"kubectl describe node {node.name}")
    return ok(what, told) if product else missing(what, told, GPU_OPERATOR)


def _judge(plan: DeploymentPlan, facts: ClusterFacts) -> Finding:
    server, gpu = plan.server, plan.server.gpu
    what = f"{gpu.count} x {gpu.name} free" if gpu.devices else f"room for {server.name}"
    right = list_right_nodes(plan, facts)
    usable = [node for node in list_nodes(plan, facts) if node.ready]
    if not usable:
        taints = sorted({str(taint) for node in right for taint in list_intolerable_taints(plan, node)})
        place = f"node {server.node}" if server.node else "a usable node"
        label = f" -L {gpu.node_label_key}" if gpu.node_label_key else ""
        why = f"; tainted {', '.join(taints)}, see qwen-infra:server.tolerations" if taints else ""
        mend = f"kubectl get nodes{label}, then choose qwen-infra:server.gpu and node"
        return missing(what, f"there is no {place} with {gpu.selector}{why}", mend)
    if facts.pods is None:
        return unknown(what, "pods of all namespaces may not be listed, so nobody knows what is free")
    # an update of this stack frees its own
    own = {(plan.cluster.namespace, generation_name(server.name, slot)) for slot in SLOTS}
    others = [pod for pod in facts.pods if (pod.namespace, pod.app) not in own]
    room = open_room(facts, others)
    if not room.place(plan, facts, 1):
        return ok(what, f"beside what others hold; nodes that could take it: {len(usable)}")
    return missing(what, _shortage(plan, room.left, usable), f"kubectl get pods -A -o wide | grep {usable[0].name}")


def _shortage(plan: DeploymentPlan, left: dict[str, dict[str, float]], usable: Sequence[Node]) -> str:
    resources = plan.server.resources
    asked = {name: str(count) for name, count in plan.server.gpu.devices.items()}
    asked |= {"cpu": resources.cpu_request, "memory": resources.memory_request}
    best = max((left[node.name] for node in usable), key=lambda room: [room.get(name, 0.0) for name in asked])
    free = ", ".join(_amount(name, best[name]) for name in asked if name in best)
    needs = ", ".join(f"{text} {name}" for name, text in asked.items())
    return f"at most {free} free on one node; a pod asks for {needs}"


def _amount(resource: str, amount: float) -> str:
    return f"{amount / 2**30:.1f}Gi of memory" if resource == "memory" else f"{amount:g} x {resource}"
