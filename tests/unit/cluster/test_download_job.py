"""What the state of a Job and its pods means for whoever waits for the weights."""

import json
from typing import Any

from qwen_infra.cluster.download_job import judge_job


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
    waiting = [{"name": "download", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such tag"}}}]
    assert judge_job(job(), [pod(containerStatuses=waiting)]).kind == "stuck"


def test_a_running_pod_is_waited_for() -> None:
    state = judge_job(job(), [pod()])
    assert (state.kind, state.message) == ("waiting", "pod download-1 is Running on one")
