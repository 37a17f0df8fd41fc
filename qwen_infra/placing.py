"""Which nodes may hold a server's pods, and whether pods of several servers find room on them together.

Pure: plans and facts in, nodes and numbers out. What is refused, and in which words, is judged in ``preflight`` and
``capacity``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from qwen_infra.cluster.facts import ClusterFacts, Node, RunningPod, Taint
from qwen_infra.manifests.placement import HOST_LABEL
from qwen_infra.planning import DeploymentPlan
from qwen_infra.planning.demand import pod_demand

__all__ = [
    "Room",
    "count_pods",
    "list_intolerable_taints",
    "list_nodes",
    "list_right_nodes",
    "open_room",
    "place_all",
]

_PASSING = "node.kubernetes.io/"
"""Taints that Kubernetes itself sets and removes as a node's condition changes."""


def list_right_nodes(plan: DeploymentPlan, facts: ClusterFacts) -> list[Node]:
    """The nodes with the plan's GPU, among those that it names; cordoned and tainted ones too."""
    named = (plan.server.node,) if plan.server.node else plan.cache.nodes
    return [
        node
        for node in facts.nodes
        if plan.server.gpu.is_on(node.labels) and (not named or node.labels.get(HOST_LABEL) in named)
    ]


def list_nodes(plan: DeploymentPlan, facts: ClusterFacts) -> list[Node]:
    """The nodes on which the scheduler may put the plan's pods."""
    right = list_right_nodes(plan, facts)
    return [node for node in right if node.schedulable and not list_intolerable_taints(plan, node)]


def list_intolerable_taints(plan: DeploymentPlan, node: Node) -> list[Taint]:
    """Taints of a node that keep the plan's pods away and do not pass by themselves."""
    return [
        taint
        for taint in node.taints
        if taint.effect != "PreferNoSchedule" and not taint.key.startswith(_PASSING) and not _tolerates(plan, taint)
    ]


def _tolerates(plan: DeploymentPlan, taint: Taint) -> bool:
    if taint.key == plan.server.gpu.resource_name and taint.effect == "NoSchedule":
        return True
    return any(
        given.key == taint.key and given.value in (None, taint.value) and given.effect in (None, taint.effect)
        for given in plan.server.pod.tolerations
    )


@dataclass
class Room:
    """What is left on each node, by name: resource to amount. A resource that a node does not tell is never short."""

    left: dict[str, dict[str, float]]

    def place(self, plan: DeploymentPlan, facts: ClusterFacts, pods: int) -> int:
        """Take the room of so many pods of a plan, on the fullest node that holds one; returns how many found none.

        Pods of a server over several nodes never share one.
        """
        demand, nodes = pod_demand(plan.server), [node.name for node in list_nodes(plan, facts)]
        device = plan.server.gpu.resource_name or "cpu"
        used: set[str] = set()
        for placed in range(pods):
            alone = plan.server.nodes_per_replica > 1
            open_nodes = [name for name in nodes if self._holds(name, demand) and not (alone and name in used)]
            if not open_nodes:
                return pods - placed
            name = min(open_nodes, key=lambda one: self.left[one].get(device, 0))
            self._take(name, demand)
            used.add(name)
        return 0

    def _holds(self, name: str, demand: Mapping[str, float]) -> bool:
        left = self.left[name]
        return all(left.get(resource, amount) >= amount for resource, amount in demand.items()) and all(
            resource in left for resource in demand if "/" in resource
        )

    def _take(self, name: str, amounts: Mapping[str, float]) -> None:
        left = self.left[name]
        for resource, amount in amounts.items():
            if resource in left:
                left[resource] -= amount


def open_room(facts: ClusterFacts, pods: Iterable[RunningPod] = ()) -> Room:
    """Everything that the nodes can give out, less what these pods hold."""
    return Room(facts.left_beside(pods))


def place_all(plans: Sequence[DeploymentPlan], facts: ClusterFacts, room: Room) -> dict[str, int]:
    """Place every pod that the plans want, the largest first; server to pods without room, empty when all have some."""
    ordered = sorted(plans, key=lambda plan: (plan.server.gpu.count, pod_demand(plan.server)["memory"]), reverse=True)
    short = {plan.server.name: room.place(plan, facts, count_pods(plan)) for plan in ordered}
    return {name: pods for name, pods in short.items() if pods}


def count_pods(plan: DeploymentPlan) -> int:
    """Pods of all replicas."""
    return plan.server.replicas * plan.server.nodes_per_replica
