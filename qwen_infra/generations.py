"""Which generation of a server's pods serves now, and whose names the planned one takes.

Two sets of names are enough: a generation that failed its checks is overwritten by the next attempt, while the one that
serves is left alone. What serves is read from the endpoint's Service, never remembered. Pure: plan and facts in.
"""

from dataclasses import dataclass, replace

from qwen_infra.cluster.facts import ClusterFacts, KnownObject
from qwen_infra.errors import ConfigurationError, EnvironmentMissingError
from qwen_infra.manifests.names import FAMILY_LABEL
from qwen_infra.manifests.server import GENERATION, ROLLOUT, generation_digest
from qwen_infra.manifests.service import OWN_SERVICE_LABEL
from qwen_infra.planning import DeploymentPlan
from qwen_infra.planning.rollout import GREEN, SLOTS, RolloutPlan, Slot, generation_name

__all__ = ["choose_generation", "count_replicas", "find_serving_slot", "place"]

MAKERS = ("Deployment", "LeaderWorkerSet")


@dataclass(frozen=True)
class _Serving:
    slot: Slot
    name: str
    maker: KnownObject


def choose_generation(plan: DeploymentPlan, facts: ClusterFacts) -> DeploymentPlan:
    """The plan with its slot: that of the pods which serve, or the other one where others are to follow them.

    Raises:
        EnvironmentMissingError: what serves may not be read, so that it could not be kept.
        ConfigurationError: what serves was deployed as protected, so that it could not be removed afterwards.
    """
    rollout = plan.server.rollout
    serving = _find_serving(plan, facts)
    if not rollout.is_gated:
        return place(plan, replace(rollout, slot=serving.slot if serving else ""))
    if facts.objects is None:
        raise EnvironmentMissingError(
            "which generation serves now cannot be read, so it could not be kept during an update",
            where="qwen-infra:server.rollout",
            expected=f"permission to list deployments and services in namespace {plan.cluster.namespace}",
            mend=f"kubectl auth can-i list deployments.apps -n {plan.cluster.namespace}",
        )
    if serving is None or serving.maker.annotations.get(GENERATION) == generation_digest(plan):
        return place(plan, replace(rollout, slot=serving.slot if serving else ""))
    _check_removable(plan, serving)
    slot = GREEN if serving.slot == "" else ""
    scaling = plan.endpoint.settings.autoscaling
    first = max(serving.maker.replicas, scaling.min_replicas) if scaling else None
    return place(plan, replace(rollout, slot=slot, beside=serving.name, first_replicas=first))


def find_serving_slot(server: str, selector: str) -> Slot:
    """The slot of the pods that a Service's ``app`` selector finds."""
    return next((slot for slot in SLOTS if generation_name(server, slot) == selector), "")


def place(plan: DeploymentPlan, rollout: RolloutPlan) -> DeploymentPlan:
    """The plan with another rollout."""
    return replace(plan, server=replace(plan.server, rollout=rollout))


def count_replicas(facts: ClusterFacts, name: str) -> int:
    """Copies that a generation asks for now; 0 where there is no such generation."""
    objects = (facts.objects or {}).items()
    return max((item.replicas for (kind, found), item in objects if _makes(kind, found, name)), default=0)


def _makes(kind: str, found: str, name: str) -> bool:
    return kind in MAKERS and found == name


def _find_serving(plan: DeploymentPlan, facts: ClusterFacts) -> _Serving | None:
    """By the server's label, since the Service itself may be about to get another name."""
    objects = facts.objects or {}
    services = [
        item
        for (kind, _), item in objects.items()
        if kind == "Service"
        and item.labels.get(FAMILY_LABEL) == plan.server.name
        and OWN_SERVICE_LABEL not in item.labels
    ]
    for service in services:
        slot = find_serving_slot(plan.server.name, service.selector.get("app", ""))
        name = generation_name(plan.server.name, slot)
        makers = [item for (kind, found), item in objects.items() if _makes(kind, found, name)]
        if makers:
            return _Serving(slot, name, makers[0])
    return None


def _check_removable(plan: DeploymentPlan, serving: _Serving) -> None:
    if plan.operations.protect and ROLLOUT not in serving.maker.annotations:
        raise ConfigurationError(
            f"{serving.name} was deployed as protected, so it could not be removed after a second generation; turn "
            "blueGreen on by itself first, which restarts nothing",
            where="qwen-infra:server.rollout",
            found="other changes of the server together with blueGreen",
            mend="undo the other changes, pulumi up, then make them again",
        )
