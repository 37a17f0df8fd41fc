"""One replica on several GPUs and nodes: what is refused, and what stands on each pod's command line."""

from pathlib import Path
from typing import Any

import pytest

from qwen_infra.errors import ConfigurationError
from qwen_infra.manifests import render_objects
from qwen_infra.planning import make_plan
from qwen_infra.settings import load_settings, load_stack_file

ROOT = Path(__file__).parents[3]


def plan(model: str = "Qwen3.5-397B-A17B", precision: str = "bf16", **server: Any) -> Any:
    raw = {
        "cluster": {"identifier": "test"},
        "model": {"name": model, "precision": precision},
        "server": {"gpu": "H100", "maxModelLen": 32768, **server},
    }
    return make_plan(load_settings({f"qwen-infra:{key}": value for key, value in raw.items()}))


def refusal(**settings: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        plan(**settings)
    return str(caught.value)


def of_kind(stack: str, kind: str) -> dict[str, Any]:
    (found,) = [item for item in render_objects(make_plan(load_stack_file(ROOT, stack))) if item["kind"] == kind]
    return found


def pods(stack: str) -> tuple[Any, Any]:
    template = of_kind(stack, "LeaderWorkerSet")["spec"]["leaderWorkerTemplate"]
    return template["leaderTemplate"]["spec"], template["workerTemplate"]["spec"]


def value_of(command: list[str], flag: str) -> str:
    return command[command.index(flag) + 1]


def test_397b_in_bf16_lies_on_two_nodes_of_eight_gpus() -> None:
    found = make_plan(load_stack_file(ROOT, "h100-2node")).server
    assert (found.nodes_per_replica, found.gpu.count) == (2, 8)
    assert of_kind("h100-2node", "LeaderWorkerSet")["spec"]["leaderWorkerTemplate"]["size"] == 2


def test_leader_and_workers_differ_by_their_rank_and_the_worker_is_headless() -> None:
    leader, worker = (spec["containers"][0]["command"] for spec in pods("h100-2node"))
    assert [value_of(command, "--node-rank") for command in (leader, worker)] == ["0", "$(LWS_WORKER_INDEX)"]
    assert [value_of(command, "--master-addr") for command in (leader, worker)] == ["$(LWS_LEADER_ADDRESS)"] * 2
    assert ("--headless" in leader, "--headless" in worker) == (False, True)
    assert value_of(worker, "--nnodes") == "2"


def test_only_the_leader_is_probed_and_reached() -> None:
    leader, worker = (spec["containers"][0] for spec in pods("h100-2node"))
    assert "readinessProbe" in leader
    assert not {"readinessProbe", "startupProbe", "livenessProbe", "ports"} & worker.keys()
    assert of_kind("h100-2node", "Service")["spec"]["selector"]["qwen-infra.dev/role"] == "leader"


def test_the_ranks_may_reach_each_other_on_every_port() -> None:
    assert {"from": [{"podSelector": {"matchLabels": {"app.kubernetes.io/part-of": "vllm-qwen35-397b"}}}]} in of_kind(
        "h100-2node", "NetworkPolicy"
    )["spec"]["ingress"]


def test_trays_share_memory_in_a_compute_domain() -> None:
    domain = of_kind("gb200-2tray", "ComputeDomain")
    leader, _ = pods("gb200-2tray")
    claim = domain["spec"]["channel"]["resourceClaimTemplate"]["name"]
    assert leader["resourceClaims"] == [{"name": "compute-domain-channel", "resourceClaimTemplateName": claim}]
    assert leader["containers"][0]["resources"]["claims"] == [{"name": "compute-domain-channel"}]
    assert leader["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "4"


def test_nodes_without_a_common_nvlink_have_no_compute_domain() -> None:
    kinds = {item["kind"] for item in render_objects(make_plan(load_stack_file(ROOT, "h100-2node")))}
    assert "ComputeDomain" not in kinds


def test_engines_of_one_node_share_the_experts() -> None:
    deployment = of_kind("gb200-dep4", "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert value_of(container["command"], "--data-parallel-size") == "4"
    assert "--enable-expert-parallel" in container["command"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "4"


def test_ranks_that_do_not_go_evenly_over_the_nodes_are_refused_with_the_right_number() -> None:
    told = refusal(tensorParallelSize=8, pipelineParallelSize=2, nodes=3)
    assert told.startswith("qwen-infra:server.nodes: 16 ranks (tensor 8 x pipeline 2 x data 1)")
    assert told.endswith("pulumi config set --path 'qwen-infra:server.nodes' 2")


def test_a_dense_model_has_replicas_instead_of_data_parallel_ranks() -> None:
    assert "use replicas instead" in refusal(model="Qwen3.5-27B", dataParallelSize=2)
    assert "has no experts" in refusal(model="Qwen3.5-27B", expertParallel=True)


def test_a_named_node_cannot_hold_several() -> None:
    assert "qwen-infra:server.node: one node cannot hold a server of 2 nodes" in refusal(
        tensorParallelSize=8, pipelineParallelSize=2, nodes=2, node="n0"
    )


def test_the_pods_of_every_rank_tell_the_revision_of_their_weights_so_that_another_one_replaces_them() -> None:
    spec = of_kind("h100-2node", "LeaderWorkerSet")["spec"]["leaderWorkerTemplate"]
    revision = make_plan(load_stack_file(ROOT, "h100-2node")).cache.revision
    told = [spec[role]["metadata"]["annotations"] for role in ("leaderTemplate", "workerTemplate")]
    assert told == [{"qwen-infra.dev/model-revision": revision}] * 2
