"""What an update does to a running server: image, flag, scale, rename, revision, drift; and how a bad one is told."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from qwen_infra import local
from qwen_infra.cluster.secret import read_secret_value
from tests.integration.harness import SMALL, Project

Make = Callable[..., Project]
NAMESPACE, SERVER = "qwen-test", "vllm-qwen35-4b"
UNCHECKED: dict[str, Any] = {"verification": {"level": "off"}, "benchmark": {"workload": "off"}}


def server(**changes: Any) -> dict[str, Any]:
    return {"server": {**SMALL["server"], **changes}}


def deployment(project: Project, name: str = SERVER) -> dict[str, Any]:
    return project.kubectl.get("--namespace", NAMESPACE, "deployment", name)


def pods(project: Project, name: str = SERVER) -> set[str]:
    items = project.kubectl.items("--namespace", NAMESPACE, "pods", f"--selector=app={name}")
    return {pod["metadata"]["uid"] for pod in items if "deletionTimestamp" not in pod["metadata"]}


def key(project: Project, name: str = SERVER) -> str:
    return read_secret_value(project.kubectl, NAMESPACE, f"{name}-api-key", "api-key")


def clean(project: Project) -> bool:
    return project.stack.preview(expect_no_changes=True).change_summary.keys() == {"same"}


def test_a_server_lives_through_scaling_another_image_another_revision_and_drift(project: Make) -> None:
    deployed = project(**UNCHECKED)
    deployed.up()
    first, secret = pods(deployed), key(deployed)
    assert deployment(deployed)["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}

    deployed.configure(server(replicas=2))
    deployed.up()
    assert first < pods(deployed)
    assert len(pods(deployed)) == 2

    deployed.configure(server(replicas=2, image="vllm/vllm-openai:v0.32.1", maxModelLen=16384))
    before = pods(deployed)
    deployed.up()
    assert before.isdisjoint(pods(deployed))
    (container,) = deployment(deployed)["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "vllm/vllm-openai:v0.32.1"
    assert "16384" in container["command"]

    deployed.configure({"model": {**SMALL["model"], "revision": "0123456789abcdef0123456789abcdef01234567"}})
    deployed.up()
    (job,) = deployed.kubectl.items("--namespace", NAMESPACE, "jobs")
    assert "0123456789abcdef0123456789abcdef01234567" in json.dumps(job["spec"])

    deployed.kubectl.run("--namespace", NAMESPACE, "scale", "deployment", SERVER, "--replicas=1")
    deployed.stack.refresh()
    deployed.up()
    assert deployment(deployed)["spec"]["replicas"] == 2
    assert key(deployed) == secret
    assert clean(deployed)


def test_a_renamed_server_takes_the_place_of_the_old_one_and_nothing_of_that_is_left(project: Make) -> None:
    deployed = project(**UNCHECKED)
    deployed.up()
    deployed.configure(server(name="renamed"))
    deployed.up()
    assert len(pods(deployed, "renamed")) == 1
    left = deployed.kubectl.run("--namespace", NAMESPACE, "get", "all,secrets,networkpolicies", "--output=name")
    assert SERVER not in left


def test_two_models_live_in_one_namespace_and_a_second_stack_of_the_same_is_refused(project: Make) -> None:
    first = project(**UNCHECKED)
    first.up()
    shared = {"cluster": {**SMALL["cluster"], "createNamespace": False}}
    second = project(**shared, model={"name": "Qwen3.5-9B", "precision": "bf16"}, **UNCHECKED)
    second.up()
    assert len(pods(first)) == len(pods(second, "vllm-qwen35-9b")) == 1
    assert clean(first)
    second.destroy()
    assert len(pods(first)) == 1
    second.kubectl.run(
        *("--namespace", NAMESPACE, "label", "--overwrite", "deployment", SERVER, "qwen-infra.dev/stack=blue")
    )
    told = project(**shared, **UNCHECKED).fail("preview")
    assert "a Deployment of this name already, which belongs to stack blue" in told


def test_more_replicas_than_there_are_gpus_stop_the_preview(project: Make) -> None:
    told = project(**server(replicas=5), **UNCHECKED).fail("preview")
    assert "5 replicas can never be scheduled: nvidia.com/gpu is short (found 4 x nvidia.com/gpu on GB200 nodes" in told
    assert told.count("error: ") == 1


@pytest.fixture
def broken_servers(cluster: local.LocalCluster) -> Any:
    root = cluster.state_folder.parent
    local.configure_simulator(cluster.name, {"profile": "no-such-profile"}, state_root=root)
    yield
    local.configure_simulator(cluster.name, {"profile": "instant"}, state_root=root)


@pytest.mark.usefixtures("broken_servers")
def test_a_crash_loop_is_told_in_one_line_with_the_last_words_of_the_log(project: Make) -> None:
    told = project(**server(readyTimeoutSeconds=120), **UNCHECKED).fail()
    assert "crashed 2 times" in told
    assert "no-such-profile" in told
    (line,) = [line for line in told.splitlines() if "error: Deployment" in line]
    assert len(line) < 1000
