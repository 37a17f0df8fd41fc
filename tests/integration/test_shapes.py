"""Shapes beyond one node and one rank: every object of their stacks on a real API server, and what it may lack.

What the controller of LeaderWorkerSet and the scheduler make of the objects is in ``test_groups.py``.
"""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest

from qwen_infra import local
from qwen_infra.cluster import Kubectl
from qwen_infra.local.profiles import build_nodes, find_profile
from qwen_infra.manifests import render_objects
from qwen_infra.planning import make_plan
from qwen_infra.settings import load_stack_file
from tests.integration.harness import ROOT, Project

Make = Callable[..., Project]
STACKS = ("h100-2node", "gb200-2tray", "gb200-dep4")
NAMESPACE = "shapes"


@pytest.fixture
def kubectl(project: Make, cluster: local.LocalCluster) -> Iterator[Kubectl]:
    """A namespace, two nodes of 8 x H100, and the custom kinds."""
    local.install_custom_kinds(cluster.name, state_root=cluster.state_folder.parent)
    found = project().kubectl
    nodes = json.dumps({"apiVersion": "v1", "kind": "List", "items": build_nodes(find_profile("h100-2node"))})
    found.run("create", "--validate=false", "--filename=-", stdin=nodes)
    found.run("create", "namespace", NAMESPACE)
    yield found
    found.run("delete", "namespace", NAMESPACE, timeout_s=300)
    found.run("delete", "--filename=-", stdin=nodes)


def objects(stack: str) -> list[dict[str, Any]]:
    found = [deepcopy(item) for item in render_objects(make_plan(load_stack_file(ROOT, stack), stack))]
    for item in found:
        if "namespace" in item["metadata"]:
            item["metadata"]["namespace"] = NAMESPACE
    return [item for item in found if item["kind"] != "Namespace"]


@pytest.mark.parametrize("stack", STACKS)
def test_the_api_server_accepts_every_object_of_the_stack(kubectl: Kubectl, stack: str) -> None:
    items = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects(stack)})
    told = kubectl.run("apply", "--server-side", "--dry-run=server", "--filename=-", stdin=items, timeout_s=300)
    assert told.count("serverside-applied") == len(objects(stack))


def test_a_second_group_for_which_there_are_no_gpus_stays_pending(kubectl: Kubectl) -> None:
    (group,) = [item for item in objects("h100-2node") if item["kind"] == "LeaderWorkerSet"]
    template = group["spec"]["leaderWorkerTemplate"]
    for number in range(2):
        for role in ("leader", "worker"):
            pod = deepcopy(template[f"{role}Template"])
            pod["metadata"]["name"] = f"group-{number}-{role}"
            # waits for storage, secrets and the node agent are other tests' matter
            pod["spec"]["volumes"], pod["spec"]["containers"][0]["volumeMounts"] = [], []
            pod["spec"]["containers"][0] |= {"command": ["sleep"], "env": []}
            body = {"apiVersion": "v1", "kind": "Pod", **pod}
            kubectl.run("--namespace", NAMESPACE, "create", "--filename=-", stdin=json.dumps(body))
        state = "True" if number == 0 else "False"
        for role in ("leader", "worker"):
            where = f"pod/group-{number}-{role}"
            kubectl.run(
                *("--namespace", NAMESPACE, "wait", where, f"--for=condition=PodScheduled={state}", "--timeout=240s"),
                timeout_s=300,
            )
    pods = {pod["metadata"]["name"]: pod for pod in kubectl.items("--namespace", NAMESPACE, "pods")}
    first = {pods[f"group-0-{role}"]["spec"]["nodeName"] for role in ("leader", "worker")}
    assert first == {"h100-node-0", "h100-node-1"}
    (condition,) = [
        item for item in pods["group-1-leader"]["status"]["conditions"] if item.get("reason") == "Unschedulable"
    ]
    assert "Insufficient nvidia.com/gpu" in condition["message"]


def test_a_server_over_nodes_without_leader_worker_set_is_refused_with_the_command_that_installs_it(
    project: Make, kubectl: Kubectl, cluster: local.LocalCluster
) -> None:
    server = {"gpu": "H100", "tensorParallelSize": 8, "pipelineParallelSize": 2, "nodes": 2, "maxModelLen": 32768}
    kubectl.run("delete", "crd", "leaderworkersets.leaderworkerset.x-k8s.io")
    try:
        told = project(model={"name": "Qwen3.5-397B-A17B", "precision": "bf16"}, server=server).fail("preview")
    finally:
        local.install_custom_kinds(cluster.name, state_root=cluster.state_folder.parent)
    assert "qwen-infra:server.nodes: the cluster has no LeaderWorkerSet" in told
    assert "kubernetes-sigs/lws/releases/download" in told
