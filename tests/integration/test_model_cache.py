"""The model cache as its users meet it: on a cluster, as the Job's own command, and from the command line."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qwen_infra.local.hub import HubRepository, HubStandIn, serve_hub
from qwen_infra.manifests import render_objects
from qwen_infra.planning import make_plan
from qwen_infra.settings import load_settings
from tests.integration.harness import Project

Make = Callable[..., Project]
SERVER = "vllm-qwen35-4b"
REPOSITORY = "Qwen/Qwen3.5-4B"
FILES = {"config.json": b"{}", "model.safetensors": bytes(range(256)) * 4096}
DEADLINE_S = 300


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubStandIn]:
    folder = tmp_path / "published"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    repository = HubRepository(REPOSITORY)
    repository.publish(folder)
    with serve_hub([repository]) as served:
        yield served


def arrived(folder: Path) -> bool:
    return all((folder / name).read_bytes() == content for name, content in FILES.items())


def test_the_job_runs_on_the_servers_node_and_the_server_waits_for_it(project: Make) -> None:
    deployed = project(benchmark={"level": "off"}, verification={"level": "off"})
    node = deployed.kubectl.items("nodes")[0]["metadata"]["labels"]["kubernetes.io/hostname"]
    resources = {"cpuRequest": "4", "memoryRequest": "16Gi", "memoryLimit": "64Gi", "sharedMemory": "1Gi"}
    deployed.configure({"server": {"gpu": "GB200", "maxModelLen": 32768, "node": node, "resources": resources}})
    deployed.up()
    (job,) = _jobs(deployed)
    pods = deployed.kubectl.items("--namespace", "qwen-test", "pods")
    loader = next(pod for pod in pods if pod["metadata"]["labels"]["app"] == job["metadata"]["name"])
    server = next(pod for pod in pods if pod["metadata"]["labels"]["app"] == SERVER)
    assert loader["spec"]["nodeName"] == server["spec"]["nodeName"]
    assert _host_paths(loader) == {"storage": "/var/lib/qwen-infra/models"}
    assert _host_paths(server)["model"] == f"/var/lib/qwen-infra/models/{REPOSITORY}/revision-main"
    (mount,) = (item for item in server["spec"]["containers"][0]["volumeMounts"] if item["name"] == "model")
    assert mount["readOnly"] is True
    (deployment,) = deployed.kubectl.items("--namespace", "qwen-test", "deployments")
    assert deployment["metadata"]["creationTimestamp"] >= job["status"]["completionTime"]


def test_the_jobs_own_command_downloads_with_the_text_of_the_config_map(hub: HubStandIn, tmp_path: Path) -> None:
    config = {
        "qwen-infra:cluster": {"identifier": "test"},
        "qwen-infra:model": {"name": "Qwen3.5-4B", "precision": "bf16"},
        "qwen-infra:server": {"gpu": "GB200", "maxModelLen": 32768},
        "qwen-infra:cache": {"hubEndpoint": hub.endpoint},
    }
    objects = render_objects(make_plan(load_settings(config)))
    (job,) = (item for item in objects if item["kind"] == "Job")
    (text,) = (item["data"]["download.py"] for item in objects if "download.py" in item.get("data", {}))
    (tmp_path / "download.py").write_text(text, "utf-8")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    places = {
        "python3": sys.executable,
        "/opt/qwen-infra/download/download.py": str(tmp_path / "download.py"),
        "/models": str(tmp_path / "models"),
        "/dev/termination-log": str(tmp_path / "result.json"),
    }
    assert set(places) <= set(container["command"]), "each place in the pod is one on this machine"
    command = [places.get(word, word) for word in container["command"]]
    given = {item["name"]: item["value"] for item in container["env"]}
    done = _run(command, {**given, "HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert arrived(tmp_path / "models" / REPOSITORY / "revision-main")
    assert json.loads((tmp_path / "result.json").read_text("utf-8"))["path"] == f"{REPOSITORY}/revision-main"


def test_the_command_line_downloads_and_a_second_time_fetches_nothing(hub: HubStandIn, tmp_path: Path) -> None:
    target = tmp_path / "here"
    command = [sys.executable, "-m", "qwen_infra", "download", REPOSITORY, "--to", str(target), "--json"]
    environment = {"HF_ENDPOINT": hub.endpoint, "HOME": str(tmp_path)}
    first, second = _run(command, environment), _run(command, environment)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert arrived(target)
    assert json.loads(first.stdout)["fetched_bytes"] == sum(len(content) for content in FILES.values())
    assert json.loads(second.stdout)["fetched_bytes"] == 0


def test_a_store_filled_by_hand_is_adopted_from_the_command_line(hub: HubStandIn, tmp_path: Path) -> None:
    """The reference's folder: what ``up`` would do on the node, ahead of time."""
    by_hand = tmp_path / "models" / REPOSITORY
    by_hand.mkdir(parents=True)
    for name, content in FILES.items():
        (by_hand / name).write_bytes(content)
    command = [
        sys.executable,
        "-m",
        "qwen_infra",
        "download",
        REPOSITORY,
        "--store",
        str(tmp_path / "models"),
        "--json",
    ]
    done = _run(command, {"HF_ENDPOINT": hub.endpoint, "HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert (json.loads(done.stdout)["fetched_bytes"], hub.sent_bytes) == (0, 0)
    assert arrived(by_hand / "revision-main")
    assert (by_hand / "revision-main" / "model.safetensors").samefile(by_hand / "model.safetensors")


@pytest.mark.parametrize("place", [[], ["--to", "a", "--store", "b"], ["--to", "a", "--keep-revisions", "2"]])
def test_the_command_line_wants_one_place(place: list[str], tmp_path: Path) -> None:
    done = _run([sys.executable, "-m", "qwen_infra", "download", REPOSITORY, *place], {"HOME": str(tmp_path)})
    assert done.returncode == 2
    assert "--store" in done.stderr


def test_the_command_line_names_a_revision_that_does_not_exist(hub: HubStandIn, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "qwen_infra", "download", REPOSITORY, "--to", str(tmp_path / "here")]
    done = _run([*command, "--revision", "v9"], {"HF_ENDPOINT": hub.endpoint, "HOME": str(tmp_path)})
    assert done.returncode == 2
    assert "has no revision 'v9'" in done.stderr
    assert "Traceback" not in done.stderr


def _run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    variables = {"PATH": os.environ["PATH"], "NO_PROXY": "*", **environment}
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


def _jobs(project: Project) -> list[dict[str, Any]]:
    return list(project.kubectl.items("--namespace", "qwen-test", "jobs"))


def _host_paths(pod: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item["hostPath"]["path"] for item in pod["spec"]["volumes"] if "hostPath" in item}
