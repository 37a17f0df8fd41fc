"""What a cluster can hold of all servers of a stack together, of what they take: devices, processors, memory."""

from dataclasses import replace
from typing import Any

import pytest

from qwen_infra.capacity import check_capacity, count_room, with_rollouts
from qwen_infra.cluster.facts import ClusterFacts, Node, RunningPod, Taint
from qwen_infra.errors import EnvironmentMissingError
from qwen_infra.planning import DeploymentPlan, make_plan, make_plans
from qwen_infra.settings import load_deployments, load_settings

GPU = "nvidia.com/gpu"
LABELS = {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}


def stack(**models: dict[str, Any]) -> tuple[DeploymentPlan, ...]:
    config: dict[str, Any] = {
        "qwen-infra:cluster": {"identifier": "test"},
        "qwen-infra:models": {
            name: {
                "model": {"name": "Qwen3.5-27B", "precision": "fp8"},
                "server": {"gpu": "H100", "maxModelLen": 32768, **server},
            }
            for name, server in models.items()
        },
    }
    return make_plans(load_deployments(config), "test")


def facts(*gpus: int, pods: tuple[RunningPod, ...] = (), **more: str) -> ClusterFacts:
    nodes = (Node(f"n{at}", LABELS, {GPU: str(count), **more}) for at, count in enumerate(gpus))
    return ClusterFacts(tuple(nodes), pods=pods)


def refusal(plans: tuple[DeploymentPlan, ...], found: ClusterFacts) -> str:
    with pytest.raises(EnvironmentMissingError) as caught:
        check_capacity(plans, found)
    return str(caught.value)


def test_models_that_fit_alone_and_not_together_are_refused_with_the_sum() -> None:
    plans = stack(chat={"tensorParallelSize": 4}, code={"tensorParallelSize": 4, "replicas": 2})
    told = refusal(plans, facts(8))
    assert (
        "qwen-infra:models: the models of this stack can never be scheduled together: nvidia.com/gpu is short" in told
    )
    assert "found 8 x nvidia.com/gpu on the nodes that they share" in told
    assert "expected 12: 4 for vllm-chat + 8 for vllm-code" in told
    assert "\n" not in told


def test_models_share_nodes_as_the_scheduler_would_place_them() -> None:
    plans = stack(small={"tensorParallelSize": 2}, large={"tensorParallelSize": 8}, middle={"tensorParallelSize": 4})
    check_capacity(plans, facts(8, 8))
    assert "together" in refusal(plans, facts(8, 4, 1))


def test_what_others_hold_now_is_no_reason_to_refuse() -> None:
    held = RunningPod("other", "n0", "other", {GPU: 8.0})
    check_capacity(stack(chat={"tensorParallelSize": 8}), facts(8, pods=(held,)))


def test_room_for_one_model_is_what_the_others_leave() -> None:
    plans = stack(chat={"tensorParallelSize": 4}, code={"tensorParallelSize": 4})
    assert [count_room(plan, plans, facts(8)) for plan in plans] == [0, 0]
    assert [count_room(plan, plans, facts(8, 4)) for plan in plans] == [1, 1]


def test_the_room_is_the_same_before_and_after_the_whole_stack_was_deployed() -> None:
    plans = stack(chat={"tensorParallelSize": 4}, code={"tensorParallelSize": 4})
    running = tuple(RunningPod("qwen", "n0", plan.server.name, {GPU: 4.0}) for plan in plans)
    before, after = (with_rollouts(plans, facts(8, 4, pods=pods)) for pods in ((), running))
    assert before == after


def test_memory_that_no_gpu_node_has_left_for_a_second_server_is_named() -> None:
    plans = stack(chat={"resources": {"memoryRequest": "90Gi"}}, code={"resources": {"memoryRequest": "90Gi"}})
    told = refusal(plans, facts(8, cpu="64", memory="128Gi"))
    assert "memory is short" in told
    assert "expected 180.0Gi: 90.0Gi for vllm-chat + 90.0Gi for vllm-code" in told


def test_a_node_that_tells_no_memory_is_not_short_of_it() -> None:
    check_capacity(stack(chat={"resources": {"memoryRequest": "90Gi"}}), facts(1))


def test_nodes_with_an_untolerated_taint_hold_nothing() -> None:
    plans = stack(chat={"tensorParallelSize": 4})
    tainted = facts(8, 8)
    taint = Taint("team", "research", "NoSchedule")
    nodes = (tainted.nodes[0], replace(tainted.nodes[1], taints=(taint,)))
    assert count_room(plans[0], plans, replace(tainted, nodes=nodes)) == 1
    own = replace(nodes[1], taints=(Taint(GPU, "present", "NoSchedule"),))
    assert count_room(plans[0], plans, replace(tainted, nodes=(nodes[0], own))) == 3


def test_pods_of_a_server_over_nodes_never_share_one() -> None:
    raw = {
        "cluster": {"identifier": "test"},
        "model": {"name": "Qwen3.5-397B-A17B", "precision": "bf16"},
        "server": {"gpu": "H100", "maxModelLen": 32768, "tensorParallelSize": 8, "pipelineParallelSize": 2, "nodes": 2},
    }
    plan = make_plan(load_settings({f"qwen-infra:{key}": value for key, value in raw.items()}))
    check_capacity([plan], facts(8, 8))
    assert "1 replica can never be scheduled" in refusal((plan,), facts(16))


def test_a_weights_node_bounds_where_the_server_may_run() -> None:
    plans = stack(chat={"tensorParallelSize": 4})
    bound = replace(plans[0], cache=replace(plans[0].cache, nodes=("n1",)))
    named = facts(8, 2)
    nodes = tuple(replace(node, labels={**node.labels, "kubernetes.io/hostname": node.name}) for node in named.nodes)
    assert "nvidia.com/gpu is short" in refusal((bound,), replace(named, nodes=nodes))
