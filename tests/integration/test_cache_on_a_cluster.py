"""The download Job really runs on the simulated cluster: its command, exit code and log, and what the server reads.

The scheduler, the Job's controller and its failure policy are real; the node's disk is a folder, and the Hub a stand-in
whose bytes are counted here.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qwen_infra import local
from qwen_infra.local.hub import HubRepository, HubStandIn, serve_hub
from tests.integration.harness import Project

Make = Callable[..., Project]
NAMESPACE = ("--namespace", "qwen-test")
REPOSITORY = "Qwen/Qwen3.5-4B"
SHARED = bytes(range(256)) * 4096
NO_CHECKS = {"benchmark": {"level": "off"}, "verification": {"level": "off"}}


@pytest.fixture
def repository() -> HubRepository:
    return HubRepository(REPOSITORY)


@pytest.fixture
def hub(repository: HubRepository) -> Iterator[HubStandIn]:
    with serve_hub([repository]) as served:
        yield served


@pytest.fixture
def publish(repository: HubRepository, tmp_path: Path) -> Callable[[int], str]:
    """Makes a commit, in which the larger file is always the same; its hash."""

    def make(number: int) -> str:
        folder = tmp_path / f"published-{number}"
        folder.mkdir()
        (folder / "config.json").write_text(f'{{"number": {number}}}')
        (folder / "model.safetensors").write_bytes(SHARED)
        return repository.publish(folder)

    return make


@pytest.fixture
def disk(cluster: local.LocalCluster, tmp_path: Path) -> tuple[str, Path]:
    """A folder of the node that no other test uses, and where it is on this machine."""
    path = f"/disks/{tmp_path.name}"
    (node,) = local.status(cluster.name, state_root=cluster.state_folder.parent)[0].nodes
    return path, cluster.state_folder / "storage" / "nodes" / node.name / path.lstrip("/")


def test_two_ups_download_once_and_the_server_reads_what_the_job_brought(
    project: Make, hub: HubStandIn, publish: Callable[[int], str], disk: tuple[str, Path]
) -> None:
    commit = publish(1)
    deployed = project(**NO_CHECKS, cache={"hubEndpoint": hub.endpoint, "path": disk[0]})
    weights = deployed.up()["weights"]
    assert (weights["path"], weights["commit"]) == (f"{disk[0]}/{REPOSITORY}/revision-main", commit)
    folder = disk[1] / REPOSITORY / commit
    assert (folder / "model.safetensors").read_bytes() == SHARED
    assert hub.sent_bytes == sum(path.stat().st_size for path in folder.iterdir() if not path.name.startswith("."))
    (job,) = jobs(deployed)
    said = deployed.kubectl.run(*NAMESPACE, "logs", f"job/{job['metadata']['name']}")
    assert f"downloading {REPOSITORY}@{commit}: 2 files" in said
    assert f"weights: {folder}" in server_log(deployed)
    asked = len(hub.requests)
    deployed.up()
    assert [item["metadata"]["uid"] for item in jobs(deployed)] == [job["metadata"]["uid"]]
    assert len(hub.requests) == asked


def test_another_revision_arrives_beside_the_old_one_and_is_served_only_when_it_is_complete(
    project: Make, hub: HubStandIn, publish: Callable[[int], str], disk: tuple[str, Path]
) -> None:
    first, second, third = publish(1), publish(2), publish(3)
    cache = {"hubEndpoint": hub.endpoint, "path": disk[0]}
    deployed = project(**NO_CHECKS, **at(first), cache=cache)
    deployed.up()
    before = server_pod(deployed)
    hub.faults.flip = {"config.json": 100}
    deployed.configure(at(second))
    message = deployed.fail()
    assert "config.json: the digest is not" in message
    (failed,) = (job for job in jobs(deployed) if "Failed" in conditions(job))
    assert conditions(failed)["Failed"]["reason"] == "PodFailurePolicy", "no second pod for what no retry mends"
    assert server_pod(deployed)["metadata"]["uid"] == before["metadata"]["uid"], "the old one is served meanwhile"
    hub.faults.flip, sent = {}, hub.sent_bytes
    deployed.up()
    assert failed["metadata"]["uid"] not in {job["metadata"]["uid"] for job in jobs(deployed)}, (
        "a failed Job is replaced"
    )
    assert f"weights: {disk[1] / REPOSITORY / second}" in server_log(deployed)
    assert hub.sent_bytes - sent < len(SHARED), "the file that did not change is linked"
    assert (disk[1] / REPOSITORY / first / "model.safetensors").exists(), "nothing is removed unless asked"
    deployed.configure({**at(third), "cache": {**cache, "keepRevisions": 2}})
    deployed.up()
    assert {path.name for path in (disk[1] / REPOSITORY).iterdir()} == {second, third}


def test_a_revision_that_the_hub_has_not_fails_at_once_in_the_downloaders_words(
    project: Make, disk: tuple[str, Path]
) -> None:
    deployed = project(**NO_CHECKS, **at("v9"), cache={"path": disk[0]})
    message = deployed.fail()
    assert f"{REPOSITORY}: has no revision 'v9'; name a commit, tag or branch" in message
    assert deployed.kubectl.items(*NAMESPACE, "deployments") == [], "no server without its weights"


def test_without_storage_each_pod_fills_its_own_folder_before_the_server_starts(
    project: Make, hub: HubStandIn, publish: Callable[[int], str]
) -> None:
    publish(1)
    deployed = project(**NO_CHECKS, cache={"kind": "none", "hubEndpoint": hub.endpoint})
    deployed.up()
    assert jobs(deployed) == []
    (status,) = server_pod(deployed)["status"]["initContainerStatuses"]
    assert (status["ready"], status["state"]["terminated"]["exitCode"]) == (True, 0)
    name = server_pod(deployed)["metadata"]["name"]
    assert "complete: " in deployed.kubectl.run(*NAMESPACE, "logs", name, "--container", "download")
    (line,) = (line for line in server_log(deployed).splitlines() if "weights: " in line)
    folder = Path(line.partition("weights: ")[2].partition(",")[0])
    assert (folder / "model.safetensors").read_bytes() == SHARED


def test_without_storage_a_download_that_fails_says_why(
    project: Make, hub: HubStandIn, publish: Callable[[int], str]
) -> None:
    publish(1)
    deployed = project(**NO_CHECKS, **at("v9"), cache={"kind": "none", "hubEndpoint": hub.endpoint})
    assert "has no revision 'v9'" in deployed.fail()


def at(revision: str) -> dict[str, Any]:
    return {"model": {"name": "Qwen3.5-4B", "precision": "bf16", "revision": revision}}


def jobs(project: Project) -> list[dict[str, Any]]:
    return list(project.kubectl.items(*NAMESPACE, "jobs"))


def conditions(job: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["type"]: item for item in job["status"].get("conditions", ()) if item["status"] == "True"}


def server_pod(project: Project) -> dict[str, Any]:
    (pod,) = project.kubectl.items(*NAMESPACE, "pods", "--selector=app=vllm-qwen35-4b")
    return dict(pod)


def server_log(project: Project) -> str:
    return project.kubectl.run(*NAMESPACE, "logs", server_pod(project)["metadata"]["name"], "--container", "vllm")
