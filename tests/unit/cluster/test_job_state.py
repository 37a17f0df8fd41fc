"""What the state of a Job and its pods means for whoever waits for it, and when the wait for several ends."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from qwen_infra.cluster import Kubectl, job_state
from qwen_infra.cluster.job_state import judge_job, wait_for_jobs


def job(condition: str | None = None, **fields: Any) -> dict[str, Any]:
    conditions = [{"type": condition, "status": "True", **fields}] if condition else []
    return {"metadata": {"name": "download"}, "status": {"conditions": conditions}}


def pod(code: int | None = None, result: dict[str, Any] | str | None = None, **status: Any) -> dict[str, Any]:
    containers: list[dict[str, Any]] = []
    if code is not None:
        message = result if isinstance(result, str) else json.dumps(result or {})
        containers = [{"name": "download", "state": {"terminated": {"exitCode": code, "message": message}}}]
    return {
        "metadata": {"name": "download-1", "creationTimestamp": "2026-11-24T00:00:00Z"},
        "spec": {"nodeName": "one"},
        "status": {"phase": "Running", "containerStatuses": containers, **status},
    }


def test_a_complete_job_says_what_it_brought() -> None:
    state = judge_job(job("Complete"), [pod(0, {"commit": "abc", "digest": "123"})])
    assert (state.kind, state.result["commit"], state.node) == ("complete", "abc", "one")


def test_a_failed_job_says_why_in_the_downloaders_own_words() -> None:
    state = judge_job(job("Failed", reason="PodFailurePolicy"), [pod(11, {"message": "gated, accept its licence"})])
    assert (state.kind, state.message) == ("failed", "gated, accept its licence")


def test_a_failed_job_without_a_result_shows_its_last_words() -> None:
    state = judge_job(job("Failed", reason="BackoffLimitExceeded", message="too often"), [pod(1, "Killed\nby hand")])
    assert state.message == "BackoffLimitExceeded: too often; its last words: Killed by hand"


def test_a_job_that_ran_out_of_time_says_so() -> None:
    state = judge_job(job("Failed", reason="DeadlineExceeded", message="was active longer than specified"), [])
    assert state.message == "DeadlineExceeded: was active longer than specified"


def test_a_pod_without_a_node_is_told_in_the_schedulers_words() -> None:
    conditions = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]
    state = judge_job(job(), [pod(conditions=conditions)])
    assert state.kind == "unschedulable"
    assert "0/1 nodes" in state.message


def test_an_image_that_cannot_be_pulled_is_stuck() -> None:
    pulled = {"reason": "ImagePullBackOff", "message": "manifest unknown"}
    waiting = [{"name": "download", "state": {"waiting": pulled}}]
    assert judge_job(job(), [pod(containerStatuses=waiting)]).kind == "stuck"


def test_a_running_pod_is_waited_for() -> None:
    state = judge_job(job(), [pod()])
    assert (state.kind, state.message) == ("waiting", "pod download-1 is Running on one")


def test_a_job_whose_success_is_decided_is_complete() -> None:
    assert judge_job(job("SuccessCriteriaMet"), [pod(0)]).kind == "complete"


@dataclass(frozen=True)
class ScriptedKubectl(Kubectl):
    """Answers for each Job with one state after the other, and then with the last one; no pod is ever there."""

    jobs: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)

    def run(self, *arguments: str, stdin: str | None = None, timeout_s: float = 15) -> str:
        if "job" not in arguments:
            return json.dumps({"items": []})
        states = next(states for name, states in self.jobs.items() if name in arguments)
        return json.dumps(states.pop(0) if len(states) > 1 else states[0])


FAILED = job("Failed", reason="PodFailurePolicy", message="the disk is full")
COMPLETE = job("Complete")


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_state, "POLL_S", 0.0)


def wait(timeout_s: float = 60, **jobs: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    found = wait_for_jobs(ScriptedKubectl(jobs=jobs), "qwen", list(jobs), timeout_s=timeout_s, report=lambda _: None)
    return {name: (state.kind, state.message) for name, state in found.items()}


def test_several_jobs_are_waited_for_until_all_are_complete() -> None:
    found = wait(one=[job(), job(), COMPLETE], two=[COMPLETE])
    assert {name: kind for name, (kind, _) in found.items()} == {"one": "complete", "two": "complete"}


def test_the_first_final_failure_ends_the_wait_for_the_others() -> None:
    assert wait(one=[job()], two=[job(), FAILED]) == {"two": ("failed", "PodFailurePolicy: the disk is full")}


def test_jobs_that_are_not_complete_in_time_are_stuck() -> None:
    assert wait(0, one=[COMPLETE], two=[job()]) == {"two": ("stuck", "not complete within 0 s: no pod yet")}
