"""Two generations of a server on a real API server: the endpoint moves to the second one only once that is proven."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from qwen_infra import local
from tests.integration.harness import SMALL, Project

Make = Callable[..., Project]
NAMESPACE, BLUE, GREEN = "qwen-test", "vllm-qwen35-4b", "vllm-qwen35-4b-green"
SERVICE = f"{BLUE}-service"
PINNED: dict[str, Any] = {
    "model": {**SMALL["model"], "revision": "0123456789abcdef0123456789abcdef01234567"},
    "verification": {"level": "smoke"},
}
EVERYTHING: dict[str, Any] = {
    "inferencePool": {"endpointPicker": "picker"},
    "monitoring": {"kind": "serviceMonitor"},
    "autoscaling": {"kind": "hpa", "maxReplicas": 2},
}


def server(**changes: Any) -> dict[str, Any]:
    return {"server": {**SMALL["server"], "rollout": "blueGreen", **changes}}


def names(project: Project, kinds: str) -> set[str]:
    items = project.kubectl.items("--namespace", NAMESPACE, kinds)
    return {f"{item['kind']}/{item['metadata']['name']}" for item in items}


def serving(project: Project) -> str:
    found = project.kubectl.get("--namespace", NAMESPACE, "service", SERVICE)["spec"]["selector"]["app"]
    return str(found)


def pods(project: Project, generation: str) -> set[str]:
    items = project.kubectl.items("--namespace", NAMESPACE, "pods", f"--selector=app={generation}")
    return {pod["metadata"]["uid"] for pod in items if "deletionTimestamp" not in pod["metadata"]}


def faults(project: Project, *names: str) -> None:
    local.set_faults(project.cluster.name, names, state_root=project.cluster.state_folder.parent)


def clean(project: Project) -> bool:
    return project.stack.preview(expect_no_changes=True).change_summary.keys() == {"same"}


@contextmanager
def watched(project: Project) -> Iterator[list[tuple[str, int, int]]]:
    """Samples during an update: the generation that serves, its ready pods, and how many verifications are done."""
    samples: list[tuple[str, int, int]] = []
    stop = threading.Event()

    def ready() -> int:
        label = f"--selector=kubernetes.io/service-name={SERVICE}"
        slices = project.kubectl.items("--namespace", NAMESPACE, "endpointslices", label)
        endpoints = [each for item in slices for each in item.get("endpoints") or ()]
        return sum(bool(each.get("conditions", {}).get("ready")) for each in endpoints)

    def look() -> None:
        while not stop.wait(0.2):
            samples.append((serving(project), ready(), project.count_results("verification")))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        stop.set()
        thread.join(30)


def test_a_second_generation_serves_only_once_it_is_proven_and_the_first_one_goes_after_it(
    project: Make, cluster: local.LocalCluster
) -> None:
    local.install_custom_kinds(cluster.name, state_root=cluster.state_folder.parent)
    deployed = project(**server(), **PINNED, endpoint=EVERYTHING)
    deployed.up()
    assert serving(deployed) == BLUE
    assert clean(deployed)

    deployed.configure(server(maxModelLen=16384))
    preview = deployed.run("preview", "--non-interactive")
    assert f"now: {GREEN} beside {BLUE}, which serves until then" in preview
    with watched(deployed) as samples:
        outputs = deployed.up()
    assert outputs["verification"].startswith("verification passed")
    assert outputs["benchmark"].startswith("benchmark smoke: 8 of 8")
    assert {name for name, _, _ in samples} == {BLUE, GREEN}
    assert all(ready >= 1 for _, ready, _ in samples)
    assert all(verified == 2 for name, _, verified in samples if name == GREEN)
    kinds = "deployments,services,horizontalpodautoscalers,inferencepools,servicemonitors"
    assert names(deployed, kinds) == {
        f"Deployment/{GREEN}",
        f"Service/{GREEN}-check",
        f"Service/{SERVICE}",
        f"HorizontalPodAutoscaler/{GREEN}",
        f"InferencePool/{BLUE}",
        f"ServiceMonitor/{BLUE}",
    }
    pool = deployed.kubectl.get("--namespace", NAMESPACE, "inferencepool", BLUE)
    assert pool["spec"]["selector"]["matchLabels"] == {"app": GREEN}
    assert clean(deployed)

    deployed.configure(server(maxModelLen=8192))
    deployed.up()
    assert (serving(deployed), names(deployed, "deployments")) == (BLUE, {f"Deployment/{BLUE}"})
    deployed.destroy()
    assert NAMESPACE not in {item["metadata"]["name"] for item in deployed.kubectl.items("namespaces")}


def test_a_generation_that_fails_never_serves_and_a_mended_or_a_reverted_one_leaves_nothing_behind(
    project: Make,
) -> None:
    deployed = project(**server(), **PINNED, benchmark={"workload": "off"})
    deployed.up()
    first = pods(deployed, BLUE)

    faults(deployed, "answer-in-reasoning")
    deployed.configure(server(maxModelLen=16384))
    told = deployed.fail()
    assert "error: verification failed: " in told
    assert f"The endpoint still answers from {BLUE}; {GREEN} stays for a look" in told
    assert told.count("error: ") == 1
    assert "Traceback" not in told
    assert (serving(deployed), pods(deployed, BLUE)) == (BLUE, first)

    faults(deployed)
    deployed.configure(server(maxModelLen=8192))  # mended by another change: the failed generation is overwritten
    deployed.up()
    assert (serving(deployed), names(deployed, "deployments")) == (GREEN, {f"Deployment/{GREEN}"})
    second, verified = pods(deployed, GREEN), deployed.count_results("verification")

    faults(deployed, "answer-in-reasoning")
    deployed.configure(server(maxModelLen=4096))
    assert f"The endpoint still answers from {GREEN}; {BLUE} stays for a look" in deployed.fail()
    assert names(deployed, "deployments") == {f"Deployment/{BLUE}", f"Deployment/{GREEN}"}
    deployed.configure(server(maxModelLen=8192))  # taken back: nothing is started nor verified again
    deployed.up()
    assert (serving(deployed), pods(deployed, GREEN)) == (GREEN, second)
    assert names(deployed, "deployments,services") == {
        f"Deployment/{GREEN}",
        f"Service/{GREEN}-check",
        f"Service/{SERVICE}",
    }
    assert deployed.count_results("verification") == verified + 1
    assert clean(deployed)


def test_without_room_for_a_second_generation_the_preview_says_what_is_short(project: Make) -> None:
    unchecked: dict[str, Any] = {"verification": {"level": "off"}, "benchmark": {"workload": "off"}}
    deployed = project(**server(), **unchecked)
    deployed.up()
    other = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "training", "namespace": NAMESPACE},
        "spec": {
            "tolerations": [{"operator": "Exists"}],
            "containers": [
                {"name": "train", "image": "train:1", "resources": {"limits": {"nvidia.com/gpu": "3"}}},
            ],
        },
    }
    deployed.kubectl.run("create", "--filename=-", stdin=json.dumps(other))
    deployed.kubectl.run(
        *("--namespace", NAMESPACE, "wait", "pod/training", "--for=condition=PodScheduled", "--timeout=240s"),
        timeout_s=300,
    )
    deployed.configure(server(maxModelLen=16384))
    told = deployed.fail("preview")
    assert f"no room for a second generation beside {BLUE}, which serves: nvidia.com/gpu is short now" in told
    assert "found 1 pods of 1 fit on GB200 nodes beside what others run there, expected 2" in told
    assert told.count("error: ") == 1


def test_blue_green_is_turned_on_and_off_without_a_restart(project: Make) -> None:
    unchecked: dict[str, Any] = {"verification": {"level": "off"}, "benchmark": {"workload": "off"}}
    deployed = project(**unchecked)
    deployed.up()
    first = pods(deployed, BLUE)
    deployed.configure(server())
    deployed.up()
    assert pods(deployed, BLUE) == first
    deployed.configure(server(maxModelLen=16384))
    deployed.up()
    second = pods(deployed, GREEN)
    deployed.configure({"server": {**SMALL["server"], "maxModelLen": 16384}})
    deployed.up()
    assert (serving(deployed), pods(deployed, GREEN)) == (GREEN, second)
    assert names(deployed, "deployments,services") == {f"Deployment/{GREEN}", f"Service/{SERVICE}"}
    assert clean(deployed)


@pytest.mark.usefixtures("cluster")
def test_prod_replaces_its_generations_and_still_cannot_be_destroyed_by_accident(project: Make) -> None:
    image = f"vllm/vllm-openai@sha256:{'0' * 64}"
    deployed = project(environment="prod", **PINNED, **server(image=image, replicas=1), benchmark={"workload": "off"})
    deployed.up()
    deployed.configure(server(image=image, replicas=1, maxModelLen=16384))
    deployed.up()
    assert (serving(deployed), names(deployed, "deployments")) == (GREEN, {f"Deployment/{GREEN}"})
    told = deployed.fail("destroy")
    assert "protect" in told
    assert names(deployed, "deployments,services") >= {f"Deployment/{GREEN}", f"Service/{SERVICE}"}
    assert len(pods(deployed, GREEN)) == 1
    deployed.run("state", "unprotect", "--all", "--yes", "--non-interactive")
