"""What the cluster can hold of a stack's plans: all of them together, and further copies beside what runs now.

Pure: plans and facts in, numbers or an error out.
"""

from collections.abc import Sequence
from dataclasses import replace

from qwen_infra.cluster.facts import ClusterFacts
from qwen_infra.errors import EnvironmentMissingError
from qwen_infra.generations import choose_generation, count_replicas
from qwen_infra.placing import Room, count_pods, list_nodes, list_right_nodes, open_room, place_all
from qwen_infra.planning import DeploymentPlan
from qwen_infra.planning.demand import pod_demand
from qwen_infra.planning.rollout import SLOTS, choose_rollout, generation_name

__all__ = ["check_capacity", "count_room", "with_rollouts"]

MOST_COPIES = 64
"""Further copies that are counted; as many as ``server.replicas`` may be."""


def with_rollouts(plans: Sequence[DeploymentPlan], facts: ClusterFacts) -> list[DeploymentPlan]:
    """The plans of one stack, each with the rollout that the cluster allows now.

    Raises:
        EnvironmentMissingError: the nodes could never hold them together, or an asked rollout never be scheduled.
    """
    check_capacity(plans, facts)
    return [_with_rollout(plan, plans, facts) for plan in plans]


def _with_rollout(plan: DeploymentPlan, plans: Sequence[DeploymentPlan], facts: ClusterFacts) -> DeploymentPlan:
    server = plan.server
    rollout = choose_rollout(
        server.rollout_mode,
        replicas=server.replicas,
        room=count_room(plan, plans, facts),
        one_node=plan.cache.serves_one_node and not server.node,
        start_s=server.start.container_s,
        drain_s=server.termination_grace_s,
    )
    placed = choose_generation(replace(plan, server=replace(server, rollout=rollout)), facts)
    _check_second_generation(placed, plans, facts)
    return placed


def check_capacity(plans: Sequence[DeploymentPlan], facts: ClusterFacts) -> None:
    """Refuse what the empty nodes could not hold, whoever uses them now: one server's copies, or all servers together.

    Raises:
        EnvironmentMissingError: names what is short, and by how much.
    """
    for plan in plans:
        pods = count_pods(plan) + _count_extra(plan)
        left_out = open_room(facts).place(plan, facts, pods)
        if left_out:
            raise _refuse_one(plan, facts, slots=pods - left_out)
    left_out_of = place_all(plans, facts, open_room(facts))
    if left_out_of:
        raise _refuse_together(plans, facts, left_out_of)


def _count_extra(plan: DeploymentPlan) -> int:
    """Pods beside the wanted ones while an update runs, by the mode that was asked for."""
    return {"surge": 1, "blueGreen": count_pods(plan)}.get(plan.server.rollout_mode, 0)


def _check_second_generation(plan: DeploymentPlan, plans: Sequence[DeploymentPlan], facts: ClusterFacts) -> None:
    """Refuse a generation for which there is no place beside the one that serves now."""
    server, rollout = plan.server, plan.server.rollout
    if rollout.beside is None or facts.pods is None:
        return
    serving = max(count_replicas(facts, rollout.beside), 1)
    needed = (serving + (rollout.first_replicas or server.replicas)) * server.nodes_per_replica
    room = _room_beside_others(plans, facts)
    place_all([one for one in plans if one.server.name != server.name], facts, room)
    left_out = room.place(plan, facts, needed)
    if left_out:
        raise EnvironmentMissingError(
            f"no room for a second generation beside {rollout.beside}, which serves: {_short_resource(plan, facts)} is "
            "short now",
            where="qwen-infra:server.rollout",
            found=f"{needed - left_out} pods of {_pod(plan)} fit on {_node_kind(plan)} beside what others run there",
            expected=f"{needed}",
            mend="free GPUs, or pulumi config set --path 'qwen-infra:server.rollout' auto (stops the old first)",
        )


def _room_beside_others(plans: Sequence[DeploymentPlan], facts: ClusterFacts) -> Room:
    own = {(one.cluster.namespace, generation_name(one.server.name, slot)) for one in plans for slot in SLOTS}
    return open_room(facts, (pod for pod in facts.pods or () if (pod.namespace, pod.app) not in own))


def _pod(plan: DeploymentPlan) -> str:
    gpu = plan.server.gpu
    return str(gpu.count) if gpu.devices else plan.server.resources.memory_request


def count_room(plan: DeploymentPlan, plans: Sequence[DeploymentPlan], facts: ClusterFacts) -> int | None:
    """Copies of a plan that fit beside everything that its stack wants and that others run.

    None where the pods of the nodes could not be read. What the stack itself runs now counts as wanted, not as
    foreign, so that the answer is the same before and after it was deployed.
    """
    if facts.pods is None:
        return None
    room = _room_beside_others(plans, facts)
    if place_all(plans, facts, room):
        return 0
    return _count_copies(plan, facts, room)


def _count_copies(plan: DeploymentPlan, facts: ClusterFacts, room: Room) -> int:
    copies = 0
    while copies < MOST_COPIES and not room.place(plan, facts, plan.server.nodes_per_replica):
        copies += 1
    return copies


def _refuse_one(plan: DeploymentPlan, facts: ClusterFacts, *, slots: int) -> EnvironmentMissingError:
    server, resource = plan.server, _short_resource(plan, facts)
    need, pods = pod_demand(server)[resource], server.replicas * server.nodes_per_replica
    is_surge = slots >= pods
    copies = f"{server.replicas} replica{'s' if server.replicas > 1 else ''}"
    extra = {
        "surge": " and one more during an update (rollout surge)",
        "blueGreen": " and as many again during an update (rollout blueGreen)",
    }.get(server.rollout_mode, "")
    held = _held([plan], facts, resource)
    return EnvironmentMissingError(
        f"{copies}{extra} can never be scheduled: {resource} is short",
        where="qwen-infra:server.rollout" if is_surge else "qwen-infra:server.replicas",
        found=f"{_amount(held, resource)} on {_node_kind(plan)}, enough for {slots} pods of {_number(need, resource)}",
        expected=_number((pods + _count_extra(plan)) * need, resource),
        mend="pulumi config set --path 'qwen-infra:server.rollout' auto"
        if is_surge
        else f"pulumi config set --path 'qwen-infra:server.replicas' {max(1, slots // server.nodes_per_replica)}, "
        "or add nodes",
    )


def _refuse_together(
    plans: Sequence[DeploymentPlan], facts: ClusterFacts, left_out: dict[str, int]
) -> EnvironmentMissingError:
    loser = next(plan for plan in plans if plan.server.name in left_out)
    resource = _short_resource(loser, facts, plans)
    rivals = [plan for plan in plans if _share_nodes(plan, loser, facts) and resource in pod_demand(plan.server)]
    wanted = {plan.server.name: count_pods(plan) * pod_demand(plan.server)[resource] for plan in rivals}
    told = " + ".join(f"{_number(amount, resource)} for {name}" for name, amount in wanted.items())
    return EnvironmentMissingError(
        f"the models of this stack can never be scheduled together: {resource} is short",
        where="qwen-infra:models",
        found=f"{_amount(_held(rivals, facts, resource), resource)} on the nodes that they share, "
        f"without room for {' and '.join(f'{pods} pod(s) of {name}' for name, pods in left_out.items())}",
        expected=f"{_number(sum(wanted.values()), resource)}: {told}",
        mend="fewer server.replicas, a smaller server.tensorParallelSize, another server.gpu or more nodes",
    )


def _short_resource(plan: DeploymentPlan, facts: ClusterFacts, plans: Sequence[DeploymentPlan] = ()) -> str:
    """Of what the nodes have least, measured by what is wanted; devices first where that is the same."""
    rivals = [one for one in plans if _share_nodes(one, plan, facts)] or [plan]
    shares = {}
    for resource in pod_demand(plan.server):
        wanted = sum(count_pods(one) * pod_demand(one.server).get(resource, 0) for one in rivals)
        held = _held(rivals, facts, resource)
        if held is not None:
            shares[resource] = held / wanted if wanted else float("inf")
    return min(shares, key=lambda name: shares[name]) if shares else next(iter(pod_demand(plan.server)))


def _share_nodes(one: DeploymentPlan, other: DeploymentPlan, facts: ClusterFacts) -> bool:
    names = {node.name for node in list_nodes(other, facts)}
    return any(node.name in names for node in list_nodes(one, facts))


def _held(plans: Sequence[DeploymentPlan], facts: ClusterFacts, resource: str) -> float | None:
    """Of the nodes of all these plans together; None where they do not tell."""
    nodes = {node.name: node for plan in plans for node in list_nodes(plan, facts) or list_right_nodes(plan, facts)}
    amounts = [node.amounts[resource] for node in nodes.values() if resource in node.amounts]
    return sum(amounts) if amounts else None


def _node_kind(plan: DeploymentPlan) -> str:
    gpu = plan.server.gpu
    return f"{gpu.name} nodes" if gpu.node_label_key else "the nodes"


def _amount(held: float | None, resource: str) -> str:
    if held is None:
        return f"no {resource}"
    return f"{_number(held, resource)} x {resource}" if "/" in resource else f"{_number(held, resource)} of {resource}"


def _number(amount: float, resource: str) -> str:
    return f"{amount / 2**30:.1f}Gi" if resource == "memory" else f"{amount:g}"
