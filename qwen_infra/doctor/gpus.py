"""GPU nodes and what is free on them: allocatable minus what the pods there request. Pure but for the reading."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qwen_infra.catalog import gpus
from qwen_infra.cluster import Kubectl, KubectlError
from qwen_infra.cluster.facts import SIMULATED_NODE_ANNOTATION
from qwen_infra.doctor.finding import Finding, missing, ok, unknown
from qwen_infra.planning import DeploymentPlan

__all__ = ["GpuNode", "examine_gpus", "read_gpu_nodes"]

GPU_OPERATOR = "helm install gpu-operator nvidia/gpu-operator (device plugin and feature discovery)"
_RESOURCES = {gpu.resource_name for gpu in gpus()}
_LABELS = {gpu.node_label_key for gpu in gpus()}


@dataclass(frozen=True)
class GpuNode:
    """A node that has GPUs or says that it has. ``free`` is ``None`` when pods may not be listed."""

    name: str
    product: str | None
    count: int
    free: int | None
    architecture: str
    usable: bool
    simulated: bool


def read_gpu_nodes(kubectl: Kubectl) -> list[GpuNode]:
    """GPU nodes by name.

    Raises:
        KubectlError: nodes may not be listed.
    """
    nodes = kubectl.items("nodes")
    try:
        taken: Mapping[str, int] | None = count_taken(kubectl.items("pods", "--all-namespaces"))
    except KubectlError:
        taken = None
    found = [_gpu_node(item, taken) for item in nodes]
    return sorted((node for node in found if node.count or node.product), key=lambda node: node.name)


def count_taken(pods: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """GPUs that pods hold, by node; pods that have ended hold none."""
    taken: Counter[str] = Counter()
    for pod in pods:
        node = pod["spec"].get("nodeName")
        if node and pod.get("status", {}).get("phase") not in {"Succeeded", "Failed"}:
            for container in pod["spec"].get("containers", []):
                requests = container.get("resources", {}).get("requests", {})
                taken[node] += sum(int(requests.get(name, 0)) for name in _RESOURCES)
    return taken


def _gpu_node(item: Mapping[str, Any], taken: Mapping[str, int] | None) -> GpuNode:
    meta, status = item["metadata"], item.get("status", {})
    labels = meta.get("labels", {})
    count = sum(int(status.get("allocatable", {}).get(name, 0)) for name in _RESOURCES)
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", []))
    return GpuNode(
        name=meta["name"],
        product=next((labels[key] for key in sorted(_LABELS) if key in labels), None),
        count=count,
        free=None if taken is None else count - taken.get(meta["name"], 0),
        architecture=labels.get("kubernetes.io/arch", "unknown"),
        usable=ready and not item["spec"].get("unschedulable", False),
        simulated=SIMULATED_NODE_ANNOTATION in meta.get("annotations", {}),
    )


def examine_gpus(nodes: Sequence[GpuNode], plans: Sequence[DeploymentPlan] = ()) -> list[Finding]:
    """A row a node, and a row a plan: whether one of the nodes can take a replica of it now."""
    if not nodes:
        return [missing("GPU nodes", "no node has a GPU that Kubernetes can give out", GPU_OPERATOR)]
    rows = [_describe(node) for node in nodes]
    return rows + [_judge(nodes, plan) for plan in plans]


def _describe(node: GpuNode) -> Finding:
    what = f"node {node.name}"
    if node.count == 0:
        return missing(what, f"labelled {node.product}, but gives out no GPU", GPU_OPERATOR)
    free = "unknown how many" if node.free is None else str(node.free)
    kind = node.product or "GPUs without a product label"
    simulated = ", simulated" if node.simulated else ""
    found = f"{node.count} x {kind}, {free} free, {node.architecture}{simulated}"
    if not node.usable:
        return unknown(what, f"{found}; not ready or cordoned", f"kubectl describe node {node.name}")
    return ok(what, found) if node.product else missing(what, found, GPU_OPERATOR)


def _judge(nodes: Sequence[GpuNode], plan: DeploymentPlan) -> Finding:
    gpu = plan.server.gpu
    what = f"{gpu.count} x {gpu.name} free"
    right = [node for node in nodes if node.product == gpu.product_label and node.usable]
    if plan.server.node:
        right = [node for node in right if node.name == plan.server.node]
    if not right:
        place = f"node {plan.server.node}" if plan.server.node else "a usable node"
        mend = f"kubectl get nodes -L {gpu.node_label_key}, then choose qwen-infra:server.gpu and node"
        return missing(what, f"there is no {place} with {gpu.node_label_key}={gpu.product_label}", mend)
    if any(node.free is None for node in right):
        return unknown(what, "pods of all namespaces may not be listed, so nobody knows what is free")
    most = max(node.free or 0 for node in right)
    if most < gpu.count:
        mend = (
            f"kubectl get pods -A -o wide | grep {right[0].name}: an update of this stack frees its own; others must go"
        )
        return missing(what, f"at most {most} on one node", mend)
    return ok(what, f"{most} on one node")
