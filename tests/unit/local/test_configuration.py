"""What kwokctl is told."""

from typing import Any

import pytest
import yaml

from qwen_infra.local.configuration import AGENT_POD_QUERY, ClusterPorts, build_configuration, read_ports

PATCHES = "componentsPatches"
PORTS = ClusterPorts(1, 2, 3, 4, 5, 6)


def documents(*, has_agent: bool) -> list[Any]:
    return list(yaml.safe_load_all(build_configuration(PORTS, has_agent=has_agent)))


def expressions(stage: str, *, has_agent: bool) -> list[Any]:
    found = next(item for item in documents(has_agent=has_agent) if item.get("metadata", {}).get("name") == stage)
    return list(found["spec"]["selector"]["matchExpressions"])


def test_everything_binds_to_loopback():
    assert documents(has_agent=True)[0]["options"]["bindAddress"] == "127.0.0.1"


def test_every_port_is_chosen_by_us():
    options = documents(has_agent=True)[0]["options"]
    assert {key: value for key, value in options.items() if key.endswith("Port")} == {
        "kubeApiserverPort": 1,
        "etcdPort": 2,
        "etcdPeerPort": 3,
        "kubeControllerManagerPort": 4,
        "kubeSchedulerPort": 5,
        "kwokControllerPort": 6,
    }


def test_pods_and_services_have_different_addresses():
    patches = {patch["name"]: patch["extraArgs"][0]["value"] for patch in documents(has_agent=True)[0][PATCHES]}
    assert patches["kube-apiserver"] != patches["kwok-controller"]


def test_with_an_agent_model_servers_are_left_to_it():
    assert {"key": AGENT_POD_QUERY, "operator": "DoesNotExist"} in expressions("pod-ready", has_agent=True)
    assert {"key": AGENT_POD_QUERY, "operator": "Exists"} in expressions("agent-pod-accepted", has_agent=True)


def test_without_an_agent_every_pod_becomes_ready():
    assert all(item["key"] != AGENT_POD_QUERY for item in expressions("pod-ready", has_agent=False))


@pytest.mark.parametrize("has_agent", [True, False])
def test_no_configuration_changes_the_next_one(has_agent: bool):
    assert documents(has_agent=has_agent) == documents(has_agent=has_agent)


def test_the_ports_are_read_back_from_the_configuration():
    assert read_ports(build_configuration(PORTS, has_agent=True)) == PORTS
