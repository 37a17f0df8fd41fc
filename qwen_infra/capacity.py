"""What the cluster can hold of a plan: copies that its nodes have, and copies that are free beside what runs now.

Pure: plan and facts in, numbers or an error out.
"""

from dataclasses import replace

from qwen_infra.cluster.facts import ClusterFacts, Node
from qwen_infra.errors import EnvironmentMissingError
from qwen_infra.generations import choose_generation, count_replicas
from qwen_infra.planning import DeploymentPlan
from qwen_infra.planning.rollout import SLOTS, choose_rollout, generation_name

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
    placed = choose_generation(replace(plan, server=replace(server, rollout=rollout)), facts)
    _check_room(placed, facts)
    return placed


def check_capacity(plan: DeploymentPlan, facts: ClusterFacts) -> None:
    """Refuse more copies than the nodes have GPUs for, whoever holds them now.

    Raises:
        EnvironmentMissingError: names what is short, and by how much.
    """
    server, gpu = plan.server, plan.server.gpu
    pods = server.replicas * server.nodes_per_replica
    slots = _slots(plan, facts, used=False)
    extra = {"surge": 1, "blueGreen": pods}.get(server.rollout_mode, 0)
    if slots >= pods + extra:
        return
    held = sum(node.count(gpu.resource_name) for node in _candidates(plan, facts))
    copies = f"{server.replicas} replica{'s' if server.replicas > 1 else ''}"
    told = {
        "surge": " and one more during an update (rollout surge)",
        "blueGreen": " and as many again during an update (rollout blueGreen)",
    }.get(server.rollout_mode, "")
    raise EnvironmentMissingError(
        f"{copies}{told} can never be scheduled: {gpu.resource_name} is short",
        where="qwen-infra:server.rollout" if slots >= pods else "qwen-infra:server.replicas",
        found=f"{held} x {gpu.resource_name} on {gpu.name} nodes, enough for {slots} pods of {gpu.count}",
        expected=f"{(pods + extra) * gpu.count}",
        mend="pulumi config set --path 'qwen-infra:server.rollout' auto"
        if slots >= pods
        else f"pulumi config set --path 'qwen-infra:server.replicas' {max(1, slots // server.nodes_per_replica)}, "
        "or add nodes",
    )


def _check_room(plan: DeploymentPlan, facts: ClusterFacts) -> None:
    """Refuse a second generation for which there is no place beside the one that serves now."""
    server, gpu, rollout = plan.server, plan.server.gpu, plan.server.rollout
    if rollout.beside is None or facts.pods is None:
        return
    serving = max(count_replicas(facts, rollout.beside), 1)
    needed = (serving + (rollout.first_replicas or server.replicas)) * server.nodes_per_replica
    slots = _slots(plan, facts, used=True)
    if slots < needed:
        raise EnvironmentMissingError(
            f"no room for a second generation beside {rollout.beside}, which serves: {gpu.resource_name} is short now",
            where="qwen-infra:server.rollout",
            found=f"{slots} pods of {gpu.count} fit on {gpu.name} nodes beside what others run there",
            expected=f"{needed}",
            mend="free GPUs, or pulumi config set --path 'qwen-infra:server.rollout' auto (stops the old first)",
        )


def count_room(plan: DeploymentPlan, facts: ClusterFacts) -> int | None:
    """Copies that fit beside those the stack wants, by GPUs; None where the pods of the nodes could not be read."""
    if facts.pods is None:
        return None
    pods = plan.server.replicas * plan.server.nodes_per_replica
    return max(0, _slots(plan, facts, used=True) - pods) // plan.server.nodes_per_replica


def _candidates(plan: DeploymentPlan, facts: ClusterFacts) -> list[Node]:
    server, gpu = plan.server, plan.server.gpu
    named = (server.node,) if server.node else plan.cache.nodes
    right = [node for node in facts.nodes if node.labels.get(gpu.node_label_key) == gpu.product_label]
    return [
        node for node in right if node.schedulable and (not named or node.labels.get("kubernetes.io/hostname") in named)
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
    apps = {generation_name(plan.server.name, slot) for slot in SLOTS}
    return namespace == plan.cluster.namespace and app in apps
