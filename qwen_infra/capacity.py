"""What the cluster can hold of a plan: copies that its nodes have, and copies that are free beside what runs now.

Pure: plan and facts in, numbers or an error out.
"""

from dataclasses import replace

from qwen_infra.cluster.facts import ClusterFacts, Node
from qwen_infra.errors import EnvironmentMissingError
from qwen_infra.planning import DeploymentPlan
from qwen_infra.planning.rollout import choose_rollout

__all__ = ["check_capacity", "count_room", "with_rollout"]


def with_rollout(plan: DeploymentPlan, facts: ClusterFacts) -> DeploymentPlan:
    """The plan with the rollout that the cluster allows now.

    Raises:
        EnvironmentMissingError: the nodes could never hold it, or the asked rollout never be scheduled.
    """
    check_capacity(plan, facts)
    server = plan.server
    rollout = choose_rollout(
        server.rollout_mode,
        replicas=server.replicas,
        room=count_room(plan, facts),
        start_s=server.start.container_s,
        drain_s=server.termination_grace_s,
    )
    return replace(plan, server=replace(server, rollout=rollout))


def check_capacity(plan: DeploymentPlan, facts: ClusterFacts) -> None:
    """Refuse more copies than the nodes have GPUs for, whoever holds them now.

    Raises:
        EnvironmentMissingError: names what is short, and by how much.
    """
    server, gpu = plan.server, plan.server.gpu
    pods = server.replicas * server.nodes_per_replica
    slots = _slots(plan, facts, used=False)
    wants_surge = server.rollout_mode == "surge"
    if slots >= pods + wants_surge:
        return
    held = sum(node.count(gpu.resource_name) for node in _candidates(plan, facts))
    copies = f"{server.replicas} replica{'s' if server.replicas > 1 else ''}"
    extra = " and one more during an update (rollout surge)" if wants_surge else ""
    raise EnvironmentMissingError(
        f"{copies}{extra} can never be scheduled: {gpu.resource_name} is short",
        where="qwen-infra:server.rollout" if slots >= pods else "qwen-infra:server.replicas",
        found=f"{held} x {gpu.resource_name} on {gpu.name} nodes, enough for {slots} pods of {gpu.count}",
        expected=f"{(pods + wants_surge) * gpu.count}",
        mend="pulumi config set --path 'qwen-infra:server.rollout' auto"
        if slots >= pods
        else f"pulumi config set --path 'qwen-infra:server.replicas' {max(1, slots // server.nodes_per_replica)}, "
        "or add nodes",
    )


def count_room(plan: DeploymentPlan, facts: ClusterFacts) -> int | None:
    """Copies that fit beside those the stack wants, by GPUs; None where the pods of the nodes could not be read."""
    if facts.pods is None:
        return None
    pods = plan.server.replicas * plan.server.nodes_per_replica
    return max(0, _slots(plan, facts, used=True) - pods) // plan.server.nodes_per_replica


def _candidates(plan: DeploymentPlan, facts: ClusterFacts) -> list[Node]:
    server, gpu = plan.server, plan.server.gpu
    right = [node for node in facts.nodes if node.labels.get(gpu.node_label_key) == gpu.product_label]
    return [
        node
        for node in right
        if node.schedulable and (not server.node or node.labels.get("kubernetes.io/hostname") == server.node)
    ]


def _slots(plan: DeploymentPlan, facts: ClusterFacts, *, used: bool) -> int:
    """Pods that fit on the nodes; with ``used``, beside the pods of others that hold GPUs there now."""
    gpu = plan.server.gpu
    slots = 0
    for node in _candidates(plan, facts):
        free = node.count(gpu.resource_name)
        if used:
            free -= sum(
                pod.count(gpu.resource_name)
                for pod in facts.pods or ()
                if pod.node == node.name and not _is_own(plan, pod.namespace, pod.app)
            )
        slots += max(0, free) // gpu.count
    return slots


def _is_own(plan: DeploymentPlan, namespace: str, app: str) -> bool:
    return (namespace, app) == (plan.cluster.namespace, plan.server.name)
