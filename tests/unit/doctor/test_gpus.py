from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qwen_infra.doctor.gpus import GpuNode, count_taken, examine_gpus
from qwen_infra.planning import DeploymentPlan, make_plan
from qwen_infra.settings import load_stack_file

ROOT = Path(__file__).parents[3]
TRAY = GpuNode("gb200-pod2-f06-node05", "NVIDIA-GB200", 4, 4, "arm64", usable=True, simulated=False)


@pytest.fixture(scope="module")
def plan() -> DeploymentPlan:
    return make_plan(load_stack_file(ROOT, "gb200"))


def pod(node: str | None, gpus: int, phase: str = "Running") -> dict[str, Any]:
    container = {"resources": {"requests": {"nvidia.com/gpu": str(gpus)}}}
    return {"spec": {"nodeName": node, "containers": [container, {}]}, "status": {"phase": phase}}


def test_gpus_are_taken_by_pods_on_a_node_that_have_not_ended():
    pods = [pod("a", 2), pod("a", 1, "Pending"), pod("a", 1, "Succeeded"), pod("b", 4, "Failed"), pod(None, 8)]

    assert count_taken(pods) == {"a": 3}


def test_a_cluster_without_gpus_names_what_brings_them():
    [found] = examine_gpus([])

    assert found.status == "missing"
    assert "gpu-operator" in (found.mend or "")


def test_a_free_node_is_ok_for_the_plan(plan):
    assert [row.status for row in examine_gpus([TRAY], [plan])] == ["ok", "ok"]


def test_a_node_shows_what_is_free_on_it():
    [row] = examine_gpus([replace(TRAY, free=1, simulated=True)])

    assert row.found == "4 x NVIDIA-GB200, 1 free, arm64, simulated"


@pytest.mark.parametrize(
    ("node", "status", "found"),
    [
        (replace(TRAY, free=1), "missing", "at most 1 on one node"),
        (replace(TRAY, free=None), "unknown", "nobody knows what is free"),
        (replace(TRAY, product="NVIDIA-H200"), "missing", "nvidia.com/gpu.product=NVIDIA-GB200"),
        (replace(TRAY, name="elsewhere"), "missing", "no node gb200-pod2-f06-node05"),
        (replace(TRAY, usable=False), "missing", "nvidia.com/gpu.product=NVIDIA-GB200"),
    ],
)
def test_what_the_plan_cannot_have_is_told(plan, node, status, found):
    last = examine_gpus([node], [plan])[-1]

    assert last.status == status
    assert found in last.found


def test_a_labelled_node_without_gpus_lacks_the_device_plugin():
    [row] = examine_gpus([replace(TRAY, count=0, free=0)])

    assert row.status == "missing"
    assert "gives out no GPU" in row.found
