"""A Job's state in the words of the API server, and one run with a kubectl that answers from a script."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from qwen_infra.cluster import Kubectl, KubectlError
from qwen_infra.cluster.job import judge_progress, run_job
from qwen_infra.errors import CheckFailedError

MANIFEST = {"metadata": {"name": "bench", "namespace": "qwen"}}


def job(kind: str | None = None, **condition: str) -> dict[str, Any]:
    return {"status": {"conditions": [{"type": kind, "status": "True", **condition}] if kind else []}}


def pod(phase: str = "Running", **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "bench-1"}, "status": {"phase": phase, **status}}


def test_a_complete_job_is_done():
    assert judge_progress(job("Complete"), []) == (True, "done", None)


def test_a_failed_job_says_why():
    failed = job("Failed", reason="BackoffLimitExceeded", message="Job has reached the specified backoff limit")
    assert judge_progress(failed, [])[2] == "BackoffLimitExceeded: Job has reached the specified backoff limit"


def test_a_pod_without_a_place_may_still_get_one():
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
    assert judge_progress(job(), [pod("Pending", conditions=[condition])]) == (
        False,
        "its pod cannot be scheduled: 0/1 nodes",
        None,
    )


def test_an_image_that_cannot_be_pulled_is_hopeless():
    waiting = {"state": {"waiting": {"reason": "ErrImagePull", "message": "not found"}}}
    assert judge_progress(job(), [pod("Pending", containerStatuses=[waiting])])[2] == "ErrImagePull: not found"


def test_what_it_does_meanwhile_is_told():
    assert judge_progress(job(), [pod()])[1] == "its pod is Running"
    assert judge_progress(job(), [])[1] == "it has no pod yet"


@dataclass(frozen=True)
class ScriptedKubectl(Kubectl):
    state: dict[str, Any] = field(default_factory=dict)
    calls: list[tuple[str, ...]] = field(default_factory=list)

    def run(self, *arguments: str, stdin: str | None = None, timeout_s: float = 15) -> str:
        self.calls.append(arguments)
        if "get" in arguments:
            return json.dumps(self.state if "job" in arguments else {"items": []})
        return "line one\nline two\n" if "logs" in arguments else ""


@pytest.fixture
def make() -> Callable[[dict[str, Any]], ScriptedKubectl]:
    return lambda state: ScriptedKubectl(state=state)


def verbs(kubectl: ScriptedKubectl) -> list[str]:
    return [next(word for word in call if word in {"create", "delete", "logs", "get"}) for call in kubectl.calls]


def test_a_job_is_created_read_and_deleted(make):
    kubectl = make(job("Complete"))
    assert run_job(kubectl, MANIFEST, timeout_s=5, report=lambda _: None) == "line one\nline two\n"
    assert verbs(kubectl) == ["delete", "create", "get", "get", "logs", "delete"]


def test_a_failed_job_is_told_with_its_last_lines_and_deleted(make):
    kubectl = make(job("Failed", reason="DeadlineExceeded", message="too slow"))
    with pytest.raises(CheckFailedError, match=r"Job qwen/bench: DeadlineExceeded: too slow; .*line one \| line two"):
        run_job(kubectl, MANIFEST, timeout_s=5, report=lambda _: None)
    assert verbs(kubectl)[-1] == "delete"


def test_a_job_that_never_ends_is_given_up_at_its_deadline(make):
    with pytest.raises(CheckFailedError, match="not done within 0 s, it has no pod yet"):
        run_job(make(job()), MANIFEST, timeout_s=0, report=lambda _: None)


def test_a_job_that_cannot_be_deleted_keeps_its_log():
    class Undeletable(ScriptedKubectl):
        def run(self, *arguments: str, stdin: str | None = None, timeout_s: float = 15) -> str:
            answer = super().run(*arguments, stdin=stdin, timeout_s=timeout_s)
            if verbs(self).count("delete") == 2:
                raise KubectlError("no answer within 60 s")
            return answer

    kubectl = Undeletable(state=job("Complete"))
    assert run_job(kubectl, MANIFEST, timeout_s=5, report=lambda _: None) == "line one\nline two\n"
    assert verbs(kubectl)[-1] == "delete"
