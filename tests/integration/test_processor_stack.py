"""The laptop's stack as it is, on a cluster with a GPU node that it must not take and a node without GPUs."""

import json
from collections.abc import Callable, Iterator

import pytest
import yaml

from qwen_infra.local.profiles import build_nodes, find_profile
from tests.integration.harness import ROOT, Project, open_project

Make = Callable[..., Project]
STACK = "cpu-dev"
GPU_NODE = "gb200-pod2-f06-node05"
TAINT = "nvidia.com/gpu=present:NoSchedule"


@pytest.fixture
def laptop(project: Make) -> Iterator[Project]:
    """The stack, a node without GPUs, and the GPU operator's taint on the other one."""
    base = project()
    document = yaml.safe_load((ROOT / f"Pulumi.{STACK}.yaml").read_text("utf-8"))
    document["config"] |= {"qwen-infra:verification": {"level": "smoke"}, "qwen-infra:benchmark": {"workload": "off"}}
    stack = open_project(base.folder.parent / STACK, base.environment, base.cluster, document, STACK)
    kubectl = stack.kubectl
    nodes = json.dumps({"apiVersion": "v1", "kind": "List", "items": build_nodes(find_profile("CPU:1"))})
    kubectl.run("create", "--validate=false", "--filename=-", stdin=nodes)
    kubectl.run("taint", "nodes", GPU_NODE, TAINT)
    try:
        yield stack
        stack.destroy()
    finally:
        kubectl.run("taint", "nodes", GPU_NODE, f"{TAINT}-")
        kubectl.run("delete", "namespace", "qwen-dev", "--ignore-not-found", timeout_s=300)
        kubectl.run("delete", "--filename=-", stdin=nodes)


def test_the_laptops_stack_is_deployed_and_verified_on_the_node_without_gpus(laptop: Project) -> None:
    (deployed,) = laptop.up()["deployments"].values()
    assert deployed["verification"].startswith("verification passed")
    (pod,) = laptop.kubectl.items("--namespace", "qwen-dev", "pods", "--selector=app=vllm-qwen35-08b")
    assert pod["spec"]["nodeName"] == "cpu-node-0"
    assert laptop.stack.preview(expect_no_changes=True).change_summary.keys() == {"same"}


def test_more_copies_than_the_nodes_have_memory_for_are_refused_at_preview(laptop: Project) -> None:
    document = yaml.safe_load((ROOT / f"Pulumi.{STACK}.yaml").read_text("utf-8"))
    server = {**document["config"]["qwen-infra:server"], "replicas": 2}
    laptop.configure({"server": server, "cache": {"kind": "none"}})
    told = laptop.fail("preview")
    assert "2 replicas can never be scheduled: memory is short (found 16.0Gi of memory on the nodes" in told
