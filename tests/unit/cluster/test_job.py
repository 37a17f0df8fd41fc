"""One Job from its creation to its log, with a kubectl that answers from a script."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from qwen_infra.cluster import Kubectl, KubectlError
from qwen_infra.cluster.job import run_job
from qwen_infra.errors import CheckFailedError

MANIFEST = {"metadata": {"name": "bench", "namespace": "qwen"}}


def job(kind: str | None = None, **condition: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "bench"},
        "status": {"conditions": [{"type": kind, "status": "True", **condition}] if kind else []},
    }


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
    assert run_job(kubectl, MANIFEST, timeout_s=60, report=lambda _: None) == "line one\nline two\n"
    assert verbs(kubectl) == ["delete", "create", "get", "get", "logs", "delete"]


def test_a_failed_job_is_told_with_its_last_lines_and_deleted(make):
    kubectl = make(job("Failed", reason="DeadlineExceeded", message="too slow"))
    with pytest.raises(CheckFailedError, match=r"Job qwen/bench: DeadlineExceeded: too slow; .*line one \| line two"):
        run_job(kubectl, MANIFEST, timeout_s=60, report=lambda _: None)
    assert verbs(kubectl)[-1] == "delete"


def test_a_job_that_never_ends_is_given_up_at_its_deadline(make):
    with pytest.raises(CheckFailedError, match="not complete within 0 s: no pod yet"):
        run_job(make(job()), MANIFEST, timeout_s=0, report=lambda _: None)


def test_a_job_that_cannot_be_deleted_keeps_its_log():
    class Undeletable(ScriptedKubectl):
        def run(self, *arguments: str, stdin: str | None = None, timeout_s: float = 15) -> str:
            answer = super().run(*arguments, stdin=stdin, timeout_s=timeout_s)
            if verbs(self).count("delete") == 2:
                raise KubectlError("no answer within 60 s")
            return answer

    kubectl = Undeletable(state=job("Complete"))
    assert run_job(kubectl, MANIFEST, timeout_s=60, report=lambda _: None) == "line one\nline two\n"
    assert verbs(kubectl)[-1] == "delete"
