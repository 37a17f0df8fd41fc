"""Rows of the doctor about nodes and about room on them for a stack."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qwen_infra.cluster.facts import ClusterFacts, Node, RunningPod, Taint
from qwen_infra.doctor.gpus import examine_nodes
from qwen_infra.planning import DeploymentPlan, make_plan
from qwen_infra.settings import load_stack_file

ROOT = Path(__file__).parents[3]
HOST = "gb200-pod2-f06-node05"
LABELS = {"kubernetes.io/hostname": HOST, "nvidia.com/gpu.product": "NVIDIA-GB200", "kubernetes.io/arch": "arm64"}
TRAY = Node(HOST, LABELS, {"nvidia.com/gpu": "4", "cpu": "144", "memory": "960Gi"})
LAPTOP = Node("laptop", {"kubernetes.io/arch": "amd64"}, {"cpu": "8", "memory": "16Gi"})


def held(**requests: float) -> RunningPod:
    named = {{"gpu": "nvidia.com/gpu"}.get(name, name): amount for name, amount in requests.items()}
    return RunningPod("other", HOST, "other", named)


def cluster(*nodes: Node, pods: tuple[RunningPod, ...] | None = ()) -> ClusterFacts:
    return ClusterFacts(nodes, pods=pods)


@pytest.fixture(scope="module")
def plan() -> DeploymentPlan:
    return make_plan(load_stack_file(ROOT, "gb200"))


def test_a_cluster_without_gpus_names_what_brings_them():
    [found] = examine_nodes(cluster(LAPTOP))

    assert found.status == "missing"
    assert "gpu-operator" in (found.mend or "")


def test_a_free_node_is_ok_for_the_plan(plan):
    assert [row.status for row in examine_nodes(cluster(TRAY), [plan])] == ["ok", "ok"]


def test_a_node_shows_what_is_free_on_it():
    [row] = examine_nodes(cluster(replace(TRAY, simulated=True), pods=(held(gpu=3.0),)))

    assert row.found == "4 x NVIDIA-GB200, 1 free, arm64, simulated"


@pytest.mark.parametrize(
    ("node", "pods", "status", "found"),
    [
        (
            TRAY,
            (held(gpu=3.0),),
            "missing",
            "at most 1 x nvidia.com/gpu, 144 x cpu, 960.0Gi of memory free on one node",
        ),
        (TRAY, (held(memory=900.0 * 2**30),), "missing", "60.0Gi of memory free"),
        (TRAY, None, "unknown", "nobody knows what is free"),
        (
            replace(TRAY, labels=LABELS | {"nvidia.com/gpu.product": "NVIDIA-H200"}),
            (),
            "missing",
            "product=NVIDIA-GB200",
        ),
        (replace(TRAY, labels=LABELS | {"kubernetes.io/hostname": "elsewhere"}), (), "missing", f"no node {HOST}"),
        (replace(TRAY, ready=False), (), "missing", "nvidia.com/gpu.product=NVIDIA-GB200"),
        (replace(TRAY, taints=(Taint("team", None, "NoSchedule"),)), (), "missing", "tainted team:NoSchedule"),
    ],
)
def test_what_the_plan_cannot_have_is_told(plan, node: Node, pods: Any, status: str, found: str):
    last = examine_nodes(cluster(node, pods=pods), [plan])[-1]

    assert last.status == status
    assert found in last.found


def test_what_the_stack_holds_itself_is_no_shortage(plan):
    own = RunningPod(plan.cluster.namespace, HOST, plan.server.name, {"nvidia.com/gpu": 4.0})

    assert examine_nodes(cluster(TRAY, pods=(own,)), [plan])[-1].status == "ok"


def test_a_labelled_node_without_gpus_lacks_the_device_plugin():
    [row] = examine_nodes(cluster(replace(TRAY, allocatable={"cpu": "144"})))

    assert row.status == "missing"
    assert "gives out no GPU" in row.found


def test_a_stack_on_the_processor_needs_no_gpu_node():
    processor = make_plan(load_stack_file(ROOT, "cpu-dev"))

    [row] = examine_nodes(cluster(LAPTOP), [processor])
    assert (row.status, row.what) == ("ok", "room for vllm-qwen35-08b")
    [row] = examine_nodes(cluster(replace(LAPTOP, allocatable={"cpu": "8", "memory": "8Gi"})), [processor])
    assert "at most 8 x cpu, 8.0Gi of memory free on one node; a pod asks for 2 cpu, 9Gi memory" in row.found
