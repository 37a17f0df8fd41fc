"""Servers over several nodes: the real controller of LeaderWorkerSet makes the pods, the real scheduler places them.

Simulated are the nodes and what runs in the containers, as everywhere here.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from qwen_infra import local
from qwen_infra.cluster import Kubectl
from qwen_infra.cluster.facts import GROUPS
from qwen_infra.cluster.rollout import wait_for_rollout
from qwen_infra.local.profiles import build_nodes, find_profile
from tests.integration.harness import ROOT, SMALL, Project, open_project

Make = Callable[..., Project]
SERVER = "vllm-qwen35-397b"
QUICK = {"qwen-infra:verification": {"level": "smoke"}, "qwen-infra:benchmark": {"workload": "smoke"}}
CHANNEL = "compute-domain.nvidia.com"
"""Driver of the resource claims that NVIDIA's ComputeDomain makes; here the test is the driver."""


@pytest.fixture(scope="module", autouse=True)
def controller(cluster: local.LocalCluster) -> None:
    local.start_group_controller(cluster.name, state_root=cluster.state_folder.parent)


@contextmanager
def nodes(kubectl: Kubectl, profile: str) -> Iterator[set[str]]:
    """Simulated nodes for the length of a test; their names."""
    found = find_profile(profile)
    items = json.dumps({"apiVersion": "v1", "kind": "List", "items": build_nodes(found)})
    kubectl.run("create", "--validate=false", "--filename=-", stdin=items)
    try:
        yield set(found.node_names)
    finally:
        kubectl.run("delete", "--filename=-", stdin=items)


@contextmanager
def stack_of(project: Make, stack: str) -> Iterator[Project]:
    """A stack file of the repository as it is but for quicker checks, and the claim with the weights that it names."""
    base = project()
    document = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text("utf-8"))
    document["config"] |= QUICK
    deployed = open_project(base.folder.parent / stack, base.environment, base.cluster, document, stack)
    namespace = document["config"]["qwen-infra:cluster"]["namespace"]
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "models", "namespace": namespace},
        "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "2Ti"}}},
    }
    deployed.kubectl.run("create", "namespace", namespace)
    deployed.kubectl.run("create", "--filename=-", stdin=json.dumps(claim))
    try:
        yield deployed
    finally:
        deployed.destroy()
        deployed.kubectl.run("delete", "namespace", namespace, timeout_s=300)


def pods(kubectl: Kubectl, namespace: str, name: str = SERVER) -> dict[str, dict[str, Any]]:
    found = kubectl.items("--namespace", namespace, "pods", f"--selector=app={name}")
    return {pod["metadata"]["name"]: pod for pod in found}


def variables(pod: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item.get("value", "") for item in pod["spec"]["containers"][0]["env"]}


def test_the_h100_stack_is_a_leader_and_a_worker_on_two_nodes_which_an_update_replaces_together(project: Make) -> None:
    with stack_of(project, "h100-2node") as deployed, nodes(deployed.kubectl, "h100-2node") as hosts:
        outputs = deployed.up()
        assert outputs["verification"].startswith("verification passed")
        found = pods(deployed.kubectl, "qwen-h100")
        leader, worker = found[f"{SERVER}-0"], found[f"{SERVER}-0-1"]
        assert {pod["spec"]["nodeName"] for pod in found.values()} == hosts
        gpus = [pod["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] for pod in found.values()]
        assert gpus == ["8", "8"]
        assert variables(worker)["LWS_LEADER_ADDRESS"] == variables(leader)["LWS_LEADER_ADDRESS"]
        assert variables(leader)["LWS_LEADER_ADDRESS"].startswith(f"{SERVER}-0.{SERVER}.")
        assert (variables(leader)["LWS_WORKER_INDEX"], variables(worker)["LWS_WORKER_INDEX"]) == ("0", "1")
        assert "--headless" in worker["spec"]["containers"][0]["command"]
        slices = deployed.kubectl.items(
            "--namespace", "qwen-h100", "endpointslices", f"--selector=kubernetes.io/service-name={SERVER}-service"
        )
        answering = [each["targetRef"]["name"] for item in slices for each in item["endpoints"]]
        assert answering == [f"{SERVER}-0"]
        assert deployed.stack.preview(expect_no_changes=True).change_summary.keys() == {"same"}

        path = deployed.folder / "Pulumi.h100-2node.yaml"
        document = yaml.safe_load(path.read_text("utf-8"))
        document["config"]["qwen-infra:server"]["maxModelLen"] = 65536
        path.write_text(yaml.safe_dump(document), "utf-8")
        deployed.up()
        after = pods(deployed.kubectl, "qwen-h100")
        assert after.keys() == found.keys()
        assert all("65536" in pod["spec"]["containers"][0]["command"] for pod in after.values())


def test_a_second_group_that_does_not_fit_stays_pending_and_the_wait_says_what_is_short_on_which_nodes(
    project: Make,
) -> None:
    with stack_of(project, "h100-2node") as deployed, nodes(deployed.kubectl, "h100-2node") as hosts:
        deployed.up()
        kubectl, namespace, group = deployed.kubectl, "qwen-h100", f"{GROUPS}/{SERVER}"
        kubectl.run("--namespace", namespace, "scale", group, "--replicas=2")  # as an autoscaler does
        said: list[str] = []
        state = wait_for_rollout(kubectl, namespace, SERVER, timeout_s=300, report=said.append, kind=GROUPS)
        assert state.kind == "stuck"
        assert state.pod in {f"{SERVER}-1", f"{SERVER}-1-1"}
        assert "Insufficient nvidia.com/gpu" in state.message
        short = state.message.partition("nvidia.com/gpu is short: it asks for 8, free are ")[2]
        assert sorted(short.split(", ")) == sorted(f"0 of 8 on {host}" for host in hosts)
        found = pods(kubectl, namespace)
        assert {name for name, pod in found.items() if "nodeName" in pod["spec"]} == {f"{SERVER}-0", f"{SERVER}-0-1"}
        assert found[f"{SERVER}-1"]["status"]["phase"] == "Pending"


def test_groups_follow_each_other_as_generations_when_there_is_room_for_both(project: Make) -> None:
    server = {
        **{key: value for key, value in SMALL["server"].items() if key != "gpu"},
        **{"gpu": "H100", "nodes": 2, "tensorParallelSize": 8, "pipelineParallelSize": 2, "rollout": "blueGreen"},
    }
    model = {"name": "Qwen3.5-397B-A17B", "precision": "bf16", "revision": "0" * 40}
    checks: dict[str, Any] = {"verification": {"level": "smoke"}, "benchmark": {"workload": "off"}}
    deployed = project(model=model, server=server, cache={"kind": "none"}, **checks)
    with nodes(deployed.kubectl, "H100:4") as hosts:
        deployed.up()
        first = {pod["spec"]["nodeName"] for pod in pods(deployed.kubectl, "qwen-test").values()}
        deployed.configure({"server": {**server, "maxModelLen": 16384}})
        deployed.up()
        second = {pod["spec"]["nodeName"] for pod in pods(deployed.kubectl, "qwen-test", f"{SERVER}-green").values()}
        assert (len(first), second) == (2, hosts - first)
        sets = deployed.kubectl.items("--namespace", "qwen-test", "leaderworkersets")
        assert [item["metadata"]["name"] for item in sets] == [f"{SERVER}-green"]
        selector = deployed.kubectl.get("--namespace", "qwen-test", "service", f"{SERVER}-service")["spec"]["selector"]
        assert selector == {"app": f"{SERVER}-green", "qwen-infra.dev/role": "leader"}
        deployed.destroy()


def channels(hosts: set[str]) -> list[dict[str, Any]]:
    """What NVIDIA's driver makes for a ComputeDomain: its class, a channel on each tray, and the template of claims."""
    api = "resource.k8s.io/v1"
    slices = [
        {
            "apiVersion": api,
            "kind": "ResourceSlice",
            "metadata": {"name": f"{host}-channels"},
            "spec": {
                "driver": CHANNEL,
                "nodeName": host,
                "pool": {"name": host, "generation": 1, "resourceSliceCount": 1},
                "devices": [{"name": "channel-0"}],
            },
        }
        for host in sorted(hosts)
    ]
    rule = {"cel": {"expression": f'device.driver == "{CHANNEL}"'}}
    device_class: dict[str, Any] = {
        "apiVersion": api,
        "kind": "DeviceClass",
        "metadata": {"name": "compute-domain-default-channel.nvidia.com"},
        "spec": {"selectors": [rule]},
    }
    request = {"name": "channel", "exactly": {"deviceClassName": device_class["metadata"]["name"]}}
    template = {
        "apiVersion": api,
        "kind": "ResourceClaimTemplate",
        "metadata": {"name": f"{SERVER}-channel", "namespace": "qwen-2tray"},
        "spec": {"spec": {"devices": {"requests": [request]}}},
    }
    return [*slices, device_class, template]


def test_the_two_tray_stack_gets_a_channel_of_its_compute_domain_on_each_tray(project: Make) -> None:
    with stack_of(project, "gb200-2tray") as deployed, nodes(deployed.kubectl, "GB200:2") as hosts:
        kubectl = deployed.kubectl
        kubectl.run("cordon", "gb200-pod2-f06-node05")
        items = json.dumps({"apiVersion": "v1", "kind": "List", "items": channels(hosts)})
        kubectl.run("create", "--filename=-", stdin=items)
        try:
            deployed.up()
            found = pods(kubectl, "qwen-2tray")
            assert {pod["spec"]["nodeName"] for pod in found.values()} == hosts
            claims = kubectl.items("--namespace", "qwen-2tray", "resourceclaims")
            given = {
                device["pool"] for claim in claims for device in claim["status"]["allocation"]["devices"]["results"]
            }
            assert given == hosts
            domain = kubectl.get("--namespace", "qwen-2tray", "computedomain", SERVER)
            assert domain["spec"]["numNodes"] == 2
            deployed.destroy()
        finally:
            kubectl.run("uncordon", "gb200-pod2-f06-node05")
            kubectl.run("delete", "--filename=-", stdin=items)
