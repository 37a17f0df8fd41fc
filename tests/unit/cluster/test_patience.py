"""A cluster that does not answer for a while, while something is waited for."""

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qwen_infra.cluster import Kubectl, KubectlError
from qwen_infra.cluster import patience as patience_module
from qwen_infra.cluster.job_state import wait_for_jobs
from qwen_infra.cluster.kubectl import ClusterUnreachableError
from qwen_infra.cluster.patience import ask_patiently

SILENT = "Unable to connect to the server: dial tcp 10.0.0.1:6443: connect: connection refused"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience_module, "PAUSE_S", 0.0)


def answers(*found: str | KubectlError) -> Callable[[], str]:
    left: Iterator[str | KubectlError] = iter(found)

    def ask() -> str:
        answer = next(left)
        if isinstance(answer, KubectlError):
            raise answer
        return answer

    return ask


def test_a_silence_is_told_and_waited_out() -> None:
    told: list[str] = []
    silence = ClusterUnreachableError("the cluster cannot be reached", found="connection refused")
    assert ask_patiently(answers(silence, silence, "ready"), report=told.append, deadline_s=math.inf) == "ready"
    assert told == ["the cluster does not answer, asking again: connection refused"] * 2


def test_a_silence_ends_with_the_deadline_of_the_wait() -> None:
    with pytest.raises(ClusterUnreachableError):
        ask_patiently(answers(ClusterUnreachableError("gone"), "late"), report=print, deadline_s=time.monotonic())


def test_a_silence_that_lasts_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience_module, "SILENCE_S", 0.0)
    with pytest.raises(ClusterUnreachableError):
        ask_patiently(answers(ClusterUnreachableError("gone"), "late"), report=print, deadline_s=math.inf)


def test_a_refusal_is_not_asked_again() -> None:
    with pytest.raises(KubectlError, match="forbidden"):
        ask_patiently(answers(KubectlError("forbidden"), "ready"), report=print, deadline_s=math.inf)


def test_a_wait_goes_on_after_the_api_server_was_away(tmp_path: Path) -> None:
    """A real process plays kubectl: silent at first, then it answers."""
    program = tmp_path / "kubectl"
    job = '{"status": {"conditions": [{"type": "Complete", "status": "True"}]}, "items": []}'
    program.write_text(
        f"#!/bin/sh\nif [ ! -e {tmp_path}/asked ]; then touch {tmp_path}/asked; echo '{SILENT}' >&2; exit 1; fi\n"
        f"echo '{job}'\n"
    )
    program.chmod(0o755)
    told: list[str] = []
    states = wait_for_jobs(Kubectl(program=str(program)), "qwen", ["download"], timeout_s=60, report=told.append)
    assert (states["download"].kind, len(told)) == ("complete", 1)
