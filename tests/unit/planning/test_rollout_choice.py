"""How an update replaces the pods, by what the cluster can hold."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qwen_infra.capacity import count_room, with_rollouts
from qwen_infra.cluster.facts import ClusterFacts, Node, RunningPod
from qwen_infra.errors import EnvironmentMissingError
from qwen_infra.planning import make_plan
from qwen_infra.settings import load_stack_file

PLAN = make_plan(load_stack_file(Path(__file__).parents[3], "gb200"))
ANYWHERE = replace(PLAN, server=replace(PLAN.server, node=None), cache=replace(PLAN.cache, nodes=()))
GPU = "nvidia.com/gpu"


def facts(nodes: int, *pods: RunningPod) -> ClusterFacts:
    labels = {"nvidia.com/gpu.product": "NVIDIA-GB200"}
    return ClusterFacts(tuple(Node(f"n{at}", labels, {GPU: "4"}) for at in range(nodes)), pods=pods)


def pod(node: str, app: str = "other", namespace: str = "qwen", gpus: int = 4) -> RunningPod:
    return RunningPod(namespace, node, app, {GPU: gpus})


def rollout(found: ClusterFacts, **server: Any) -> Any:
    (placed,) = with_rollouts([replace(ANYWHERE, server=replace(ANYWHERE.server, **server))], found)
    return placed.server.rollout


def test_without_room_a_single_replica_is_recreated_and_the_downtime_is_told() -> None:
    chosen = rollout(facts(1, pod("n0", "vllm-qwen35-397b")))
    assert chosen.to_manifest() == {"type": "Recreate"}
    assert chosen.downtime_minutes > 0
    assert f"down for about {chosen.downtime_minutes} min" in chosen.describe("x")


def test_with_room_a_new_pod_is_ready_before_the_old_one_stops() -> None:
    chosen = rollout(facts(2, pod("n0", "vllm-qwen35-397b")))
    assert chosen.to_manifest()["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert "1 more copy fits beside it" in chosen.describe("x")


def test_a_claim_that_serves_one_node_keeps_a_new_pod_from_starting_beside_the_old_one() -> None:
    claim = ANYWHERE.cache.storage.model_copy(update={"kind": "pvc", "access_mode": "ReadWriteOnce"})
    plan = replace(ANYWHERE, cache=replace(ANYWHERE.cache, storage=claim))
    (placed,) = with_rollouts([plan], facts(2))
    assert placed.server.rollout.strategy == "recreate"
    assert "ReadWriteOnce claim serves one node" in placed.server.rollout.describe("x")


def test_replicas_without_room_go_one_at_a_time() -> None:
    assert rollout(facts(2), replicas=2).to_manifest()["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_gpus_of_others_are_no_room() -> None:
    assert count_room(ANYWHERE, [ANYWHERE], facts(2, pod("n1", gpus=1))) == 0


def test_the_choice_is_the_same_before_and_after_the_first_deployment() -> None:
    deployed = facts(2, pod("n0", "vllm-qwen35-397b"))
    assert count_room(ANYWHERE, [ANYWHERE], facts(2)) == count_room(ANYWHERE, [ANYWHERE], deployed) == 1


def test_what_cannot_be_read_counts_as_no_room() -> None:
    assert rollout(replace(facts(2), pods=None)).strategy == "recreate"


def test_a_node_that_takes_no_pods_holds_nothing() -> None:
    found = facts(2)
    closed = replace(found, nodes=(found.nodes[0], replace(found.nodes[1], schedulable=False)))
    assert count_room(ANYWHERE, [ANYWHERE], closed) == 0


def test_more_replicas_than_gpus_are_refused_with_what_is_short() -> None:
    with pytest.raises(EnvironmentMissingError) as caught:
        rollout(facts(2), replicas=3)
    assert "3 replicas can never be scheduled: nvidia.com/gpu is short" in str(caught.value)
    assert "found 8 x nvidia.com/gpu on GB200 nodes, enough for 2 pods of 4, expected 12" in str(caught.value)


def test_a_surge_that_can_never_be_scheduled_is_refused() -> None:
    with pytest.raises(EnvironmentMissingError, match="one more during an update"):
        rollout(facts(1), rollout_mode="surge")
