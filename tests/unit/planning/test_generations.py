"""Two generations of a server's pods: which serves, whose names the next one takes, and when it is refused."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from qwen_infra.capacity import with_rollouts
from qwen_infra.cluster.facts import ClusterFacts, KnownObject, Node, RunningPod
from qwen_infra.errors import ConfigurationError, EnvironmentMissingError
from qwen_infra.manifests import build_endpoint, decide_names, render_objects
from qwen_infra.manifests.disruption import build_disruption_budget
from qwen_infra.manifests.server import build_server, generation_digest
from qwen_infra.planning import DeploymentPlan, make_plan
from qwen_infra.planning.rollout import GREEN, RolloutPlan
from qwen_infra.settings import load_settings

SERVER = "vllm-qwen35-4b"
FAMILY = {"app.kubernetes.io/part-of": SERVER}
GPU = "nvidia.com/gpu"
OTHER_DIGEST = "another generation"


def plan(rollout: str = "blueGreen", *, operations: Any = None, endpoint: Any = None, **server: Any) -> DeploymentPlan:
    raw = {
        "cluster": {"identifier": "test"},
        "model": {"name": "Qwen3.5-4B", "precision": "bf16"},
        "server": {"gpu": "H200", "maxModelLen": 8192, "rollout": rollout, **server},
        "operations": operations or {},
        "endpoint": endpoint or {},
    }
    return make_plan(load_settings({f"qwen-infra:{key}": value for key, value in raw.items()}), "test")


def serving(
    name: str, digest: str, *, replicas: int = 1, kind: str = "Deployment", rollout: str = "blueGreen"
) -> dict[tuple[str, str], KnownObject]:
    """What a cluster holds where the endpoint's Service finds the pods of one generation."""
    annotations = {"qwen-infra.dev/generation": digest, **({"qwen-infra.dev/rollout": rollout} if rollout else {})}
    return {
        ("Service", f"{SERVER}-service"): KnownObject(FAMILY, {}, {"app": name}),
        ("Service", f"{name}-check"): KnownObject(FAMILY | {"qwen-infra.dev/own-service": "true"}, {}, {"app": name}),
        (kind, name): KnownObject(FAMILY, annotations, {"app": name}, replicas),
    }


def facts(objects: Mapping[tuple[str, str], KnownObject] | None, *pods: RunningPod, gpus: int = 2) -> ClusterFacts:
    node = Node("n0", {"nvidia.com/gpu.product": "NVIDIA-H200"}, {GPU: str(gpus)})
    return ClusterFacts((node,), objects=objects, pods=pods)


def pod(app: str, gpus: int = 1) -> RunningPod:
    return RunningPod("qwen", "n0", app, {GPU: gpus})


def placed(wanted: DeploymentPlan, found: ClusterFacts) -> RolloutPlan:
    return with_rollouts([wanted], found)[0].server.rollout


def test_the_first_generation_has_the_servers_own_name() -> None:
    found = placed(plan(), facts({}))
    assert (found.strategy, found.slot, found.beside) == ("blueGreen", "", None)


def test_another_generation_takes_the_names_that_are_free_and_keeps_the_one_that_serves() -> None:
    first = placed(plan(), facts(serving(SERVER, OTHER_DIGEST), pod(SERVER)))
    assert (first.slot, first.beside) == (GREEN, SERVER)
    second = placed(plan(), facts(serving(f"{SERVER}-green", OTHER_DIGEST), pod(f"{SERVER}-green")))
    assert (second.slot, second.beside) == ("", f"{SERVER}-green")


def test_going_back_to_what_serves_changes_no_generation() -> None:
    wanted = plan()
    found = placed(wanted, facts(serving(SERVER, generation_digest(wanted)), pod(SERVER), pod(f"{SERVER}-green")))
    assert (found.slot, found.beside) == ("", None)


def test_an_attempt_after_a_failed_one_overwrites_that_and_needs_no_further_gpus() -> None:
    failed = {("Deployment", f"{SERVER}-green"): KnownObject(FAMILY, {"qwen-infra.dev/generation": "failed"})}
    found = placed(plan(), facts(serving(SERVER, OTHER_DIGEST) | failed, pod(SERVER), pod(f"{SERVER}-green")))
    assert (found.slot, found.beside) == (GREEN, SERVER)


def test_scaling_and_the_strategy_are_no_other_generation() -> None:
    assert generation_digest(plan()) == generation_digest(plan(replicas=2)) == generation_digest(plan("recreate"))
    green = replace(plan(), server=replace(plan().server, rollout=RolloutPlan("blueGreen", slot=GREEN)))
    assert generation_digest(green) == generation_digest(plan())
    assert generation_digest(plan(maxModelLen=4096)) != generation_digest(plan())


def test_a_switch_to_blue_green_and_back_restarts_nothing() -> None:
    wanted = plan("recreate")
    ours = serving(f"{SERVER}-green", generation_digest(wanted))
    assert placed(plan(), facts(ours)).slot == placed(wanted, facts(ours)).slot == GREEN
    assert placed(plan(), facts(serving(SERVER, generation_digest(wanted), rollout=""))).slot == ""


def test_a_renamed_service_is_no_reason_to_forget_what_serves() -> None:
    found = placed(plan(endpoint={"serviceName": "other"}), facts(serving(SERVER, OTHER_DIGEST), pod(SERVER)))
    assert found.beside == SERVER


def test_a_group_over_nodes_may_follow_a_deployment() -> None:
    found = placed(plan(), facts(serving(SERVER, OTHER_DIGEST, kind="LeaderWorkerSet"), pod(SERVER)))
    assert (found.slot, found.beside) == (GREEN, SERVER)


def test_nodes_that_could_never_hold_both_generations_are_refused_before_the_first_one() -> None:
    with pytest.raises(EnvironmentMissingError) as caught:
        placed(plan(), facts({}, gpus=1))
    told = str(caught.value)
    assert "1 replica and as many again during an update (rollout blueGreen) can never be scheduled" in told
    assert "pulumi config set --path 'qwen-infra:server.rollout' auto" in told


def test_gpus_that_others_hold_now_stop_a_second_generation_and_not_a_first() -> None:
    others = pod("training")
    assert placed(plan(), facts({}, others)).slot == ""
    with pytest.raises(EnvironmentMissingError) as caught:
        placed(plan(), facts(serving(SERVER, OTHER_DIGEST), pod(SERVER), others))
    told = str(caught.value)
    assert f"no room for a second generation beside {SERVER}, which serves: {GPU} is short now" in told
    assert "found 1 pods of 1 fit" in told
    assert "expected 2" in told


def test_what_serves_must_be_readable() -> None:
    with pytest.raises(EnvironmentMissingError, match="which generation serves now cannot be read"):
        placed(plan(), facts(None))


def test_what_was_deployed_as_protected_is_not_followed_in_the_same_update() -> None:
    wanted = plan(operations={"protect": True})
    with pytest.raises(ConfigurationError, match="turn blueGreen on by itself first"):
        placed(wanted, facts(serving(SERVER, OTHER_DIGEST, rollout=""), pod(SERVER)))
    assert placed(wanted, facts(serving(SERVER, OTHER_DIGEST), pod(SERVER))).beside == SERVER


def test_a_second_generation_starts_with_the_copies_that_the_autoscaler_had_chosen() -> None:
    wanted = plan(endpoint={"autoscaling": {"maxReplicas": 4}})
    found = with_rollouts([wanted], facts(serving(SERVER, OTHER_DIGEST, replicas=3), pod(SERVER), gpus=8))[0]
    assert found.server.rollout.first_replicas == 3
    assert build_server(found, decide_names(found))["spec"]["replicas"] == 3


def test_the_preview_says_what_is_made_beside_what() -> None:
    told = placed(plan(), facts(serving(SERVER, OTHER_DIGEST), pod(SERVER))).describe(SERVER)
    assert (
        "rollout of vllm-qwen35-4b: blueGreen (as qwen-infra:server.rollout says; 1 more copy fits beside it)" in told
    )
    assert "no downtime (0 min)" in told
    assert f"now: {SERVER}-green beside {SERVER}, which serves until then" in told


def green(**changes: Any) -> DeploymentPlan:
    wanted = plan(**changes)
    return replace(wanted, server=replace(wanted.server, rollout=RolloutPlan("blueGreen", slot=GREEN, beside=SERVER)))


def test_whatever_belongs_to_the_pods_follows_the_generation() -> None:
    wanted = green(
        replicas=2,
        endpoint={
            "autoscaling": {"kind": "hpa", "maxReplicas": 4, "minReplicas": 2},
            "inferencePool": {"endpointPicker": "epp"},
        },
    )
    names, own = decide_names(wanted), {"app": f"{SERVER}-green"}
    parts = build_endpoint(wanted, names)
    budget = build_disruption_budget(wanted, names)
    assert budget is not None
    assert budget["spec"]["selector"]["matchLabels"] == own
    assert parts["autoscaler"]["spec"]["scaleTargetRef"]["name"] == f"{SERVER}-green"
    assert parts["inference-pool"]["spec"]["selector"]["matchLabels"] == own
    assert parts["service"]["spec"]["selector"] == own
    deployment = build_server(wanted, names)
    assert deployment["spec"]["selector"]["matchLabels"] == own
    assert own.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


def test_network_policy_and_monitor_know_both_generations() -> None:
    wanted = green(endpoint={"monitoring": {}})
    parts = build_endpoint(wanted, decide_names(wanted))
    assert parts["network-policy"]["spec"]["podSelector"]["matchLabels"] == FAMILY
    (labels,) = [
        item["metadata"]["labels"]
        for item in render_objects(wanted)
        if item["kind"] == "Service" and item["metadata"]["name"] == f"{SERVER}-green-check"
    ]
    assert parts["monitor"]["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert (
        not parts["monitor"]["spec"]["selector"]["matchLabels"].items()
        <= parts["service"]["metadata"]["labels"].items()
    )


def test_a_branch_is_warned_of_since_its_weights_may_change_under_the_same_name() -> None:
    assert [warning for warning in plan().warnings if "is no commit" in warning]
    assert not [warning for warning in plan("recreate").warnings if "is no commit" in warning]


def test_a_claim_for_one_node_cannot_feed_two_generations() -> None:
    with pytest.raises(ConfigurationError, match=r"two generations \(server.rollout blueGreen\) may run on several"):
        make_plan(
            load_settings(
                {
                    "qwen-infra:cluster": {"identifier": "test"},
                    "qwen-infra:model": {"name": "Qwen3.5-4B", "precision": "bf16"},
                    "qwen-infra:server": {"gpu": "H200", "maxModelLen": 8192, "rollout": "blueGreen"},
                    "qwen-infra:cache": {"kind": "pvc", "accessMode": "ReadWriteOnce"},
                }
            )
        )
