"""Pods, servers and old checks against a plan."""

from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from qwen_infra.client.provenance import ServerFacts
from qwen_infra.drift import compare_pods, compare_server, judge_age
from qwen_infra.manifests import render_objects
from qwen_infra.planning import make_plan
from qwen_infra.settings import load_stack_file

ROOT = Path(__file__).parents[3]
PLAN = make_plan(load_stack_file(ROOT, "gb200"), "gb200")
GROUP = make_plan(load_stack_file(ROOT, "h100-2node"), "h100-2node")
NOW = datetime(2026, 11, 24, 7, tzinfo=UTC)


def pod(template: dict[str, Any]) -> dict[str, Any]:
    made = deepcopy(template)
    made["metadata"] |= {"namespace": "qwen", "name": "p"}
    return {**made, "status": {"phase": "Running"}}


@pytest.fixture
def running() -> dict[str, Any]:
    (found,) = [item for item in render_objects(PLAN) if item["kind"] == "Deployment"]
    return pod(found["spec"]["template"])


def test_pods_made_of_the_manifest_differ_in_nothing(running: dict[str, Any]) -> None:
    assert compare_pods(PLAN, [running]) == []


def test_leader_and_worker_of_a_group_differ_in_nothing() -> None:
    (group,) = [item for item in render_objects(GROUP) if item["kind"] == "LeaderWorkerSet"]
    template = group["spec"]["leaderWorkerTemplate"]
    pods = [pod(template[f"{role}Template"]) for role in ("leader", "worker")]
    assert compare_pods(GROUP, pods) == []


def test_no_pod_at_all_is_a_difference() -> None:
    (found,) = compare_pods(PLAN, [])
    assert (found.what, found.mend) == ("no pod serves this model", "pulumi up --stack gb200")


def test_another_image_is_told_with_both(running: dict[str, Any]) -> None:
    running["spec"]["containers"][0]["image"] = "vllm/vllm-openai:v0.31.0"
    (found,) = compare_pods(PLAN, [running])
    assert (found.expected, found.found) == ("vllm/vllm-openai:v0.32.0", "vllm/vllm-openai:v0.31.0")


def test_another_revision_is_told_with_both(running: dict[str, Any]) -> None:
    running["metadata"]["annotations"]["qwen-infra.dev/model-revision"] = "0123abc"
    (found,) = compare_pods(PLAN, [running])
    assert (found.what, found.expected, found.found) == ("the pod serves another revision", "main", "0123abc")


def test_weights_from_another_place_are_told(running: dict[str, Any]) -> None:
    (volume,) = [each for each in running["spec"]["volumes"] if "/Qwen/" in each.get("hostPath", {}).get("path", "")]
    volume["hostPath"]["path"] = "/data/other"
    (found,) = compare_pods(PLAN, [running])
    assert found.what == "/Qwen3.5-397B-A17B-GPTQ-Int4 is mounted from another place"
    assert found.found == "/data/other"


def test_mounts_that_kubernetes_adds_are_no_difference(running: dict[str, Any]) -> None:
    token = "/var/run/secrets/kubernetes.io/serviceaccount"
    running["spec"]["volumes"].append({"name": "token", "projected": {}})
    running["spec"]["containers"][0]["volumeMounts"].append({"name": "token", "mountPath": token})
    assert compare_pods(PLAN, [running]) == []


def test_another_argument_is_told_by_the_words_that_differ(running: dict[str, Any]) -> None:
    container = running["spec"]["containers"][0]
    key = "args" if "262144" in container.get("args", ()) else "command"
    container[key] = ["131072" if word == "262144" else word for word in container[key]]
    (found,) = compare_pods(PLAN, [running])
    assert (found.expected, found.found) == ("262144", "131072")


def test_a_variable_that_was_added_is_told(running: dict[str, Any]) -> None:
    running["spec"]["containers"][0]["env"].append({"name": "VLLM_LOGGING_LEVEL2", "value": "DEBUG"})
    (found,) = compare_pods(PLAN, [running])
    assert (found.what, found.expected) == ("the variable VLLM_LOGGING_LEVEL2 differs", "unset")


def facts(version: str = "0.32.0", name: str = "qwen3.5", length: int = 262144) -> ServerFacts:
    card = {"id": name, "root": "/Qwen3.5-397B-A17B-GPTQ-Int4", "max_model_len": length}
    return ServerFacts({"version": version}, {"data": [card]})


@pytest.mark.parametrize(
    ("said", "expected", "found"),
    [
        (facts(version="0.31.1+cu130"), "0.32.0", "0.31.1"),
        (facts(name="other"), "qwen3.5", "other"),
        (facts(length=131072), "262144", "131072"),
        (ServerFacts(), None, None),
    ],
)
def test_what_the_server_says_is_held_against_the_plan(
    said: ServerFacts, expected: str | None, found: str | None
) -> None:
    (difference,) = compare_server(PLAN, said)
    assert (difference.expected, difference.found) == (expected, found)


def test_a_server_that_says_what_the_plan_does_differs_in_nothing() -> None:
    assert compare_server(PLAN, facts()) == []


@pytest.mark.parametrize(("moment", "old"), [("20261120T070000", False), ("20261001T070000", True)])
def test_a_check_of_long_ago_is_a_difference(moment: str, old: bool) -> None:
    name = f"benchmark-{moment}.000000Z-0a1b2c3d.json"
    assert bool(judge_age("x", "benchmark", name, NOW, 30, "gb200")) is old
