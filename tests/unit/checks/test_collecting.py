"""Runs of the scheduled verification, from Jobs and logs into the history."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from qwen_infra.checks.collecting import collect_runs, list_runs
from qwen_infra.client import Provenance
from qwen_infra.cluster import Kubectl, KubectlError
from qwen_infra.errors import ConfigurationError
from qwen_infra.verification import CaseResult, VerificationReport
from qwen_infra.verification.pod_log import write_result_line

APP = "vllm-verification"
ENDED = {"passed": "Complete", "failed": "Failed"}


def report(status: str) -> VerificationReport:
    case = {"id": "models-listed", "status": status, "duration_s": 0.1, "detail": "as told", "proves": "it is up"}
    return VerificationReport(
        passed=status == "passed",
        simulated=False,
        suite_version="3",
        level="full",
        model="qwen3.5",
        url="http://vllm.qwen.svc:8000",
        started_at=datetime.now(UTC),
        duration_s=2.0,
        provenance=Provenance(kind="unknown", simulated=False, hardware="unknown", description="vLLM"),
        cases=(CaseResult.model_validate(case),),
    )


class Cluster(Kubectl):
    """What kubectl would answer: Jobs, their pods, their logs."""

    def __init__(self, *jobs: tuple[str, int, str | None], logs: dict[str, str] | None = None) -> None:
        super().__init__()
        object.__setattr__(self, "jobs", jobs)
        object.__setattr__(self, "logs", logs or {})

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        return [make(*job) for job in self.jobs for make in ({"jobs": _job, "pods": _pod}[arguments[2]],)]  # type: ignore[attr-defined]

    def run(self, *arguments: str, stdin: str | None = None, timeout_s: float = 0) -> str:
        del stdin, timeout_s
        name = arguments[3].removeprefix("job/")
        if name not in self.logs:  # type: ignore[attr-defined]
            raise KubectlError("the pod is gone")
        found: str = self.logs[name]  # type: ignore[attr-defined]
        return found


def _job(name: str, hour: int, status: str | None) -> dict[str, Any]:
    conditions = [{"type": ENDED[status], "status": "True", "reason": "DeadlineExceeded"}] if status else []
    meta = {"name": name, "uid": f"{hour:08d}-uid", "creationTimestamp": f"2026-11-24T{hour:02d}:00:00Z"}
    return {"metadata": meta, "status": {"conditions": conditions}}


def _pod(name: str, hour: int, status: str | None) -> dict[str, Any]:
    message = json.dumps({"passed": status == "passed", "message": f"verification {status}: by its message"})
    state = {"terminated": {"exitCode": 0, "message": message}} if status else {"running": {}}
    labels = {"batch.kubernetes.io/job-name": name}
    return {
        "metadata": {"name": f"{name}-x", "labels": labels, "creationTimestamp": f"2026-11-24T{hour:02d}:00:01Z"},
        "status": {"phase": "Running", "containerStatuses": [{"name": "verification", "state": state}]},
    }


def collect(cluster: Cluster, root: Path) -> list[tuple[str, str, bool]]:
    runs = collect_runs(cluster, "qwen", APP, root=root, stack="prod")
    return [(run.job, run.status, run.is_new) for run in runs]


def test_runs_are_told_oldest_first_with_the_verdict_of_their_pods() -> None:
    runs = list_runs(Cluster(("late", 5, None), ("early", 4, "failed")), "qwen", APP)
    assert [(run.job, run.status) for run in runs] == [("early", "failed"), ("late", "running")]
    assert runs[0].summary == "verification failed: by its message"


def test_a_kept_run_names_its_server_since_a_stack_may_have_several(tmp_path: Path) -> None:
    cluster = Cluster(("a", 4, "passed"), logs={"a": write_result_line(report("passed"))})
    collect_runs(cluster, "qwen", APP, root=tmp_path, stack="prod", server="vllm-small")
    [path] = (tmp_path / "prod").glob("verification-*.json")
    assert json.loads(path.read_text("utf-8"))["server"] == "vllm-small"


def test_each_run_is_kept_once_under_the_time_at_which_it_began(tmp_path: Path) -> None:
    logs = {"a": f"1 of 1\n{write_result_line(report('passed'))}\n", "b": write_result_line(report("failed"))}
    cluster = Cluster(("a", 4, "passed"), ("b", 5, "failed"), logs=logs)
    assert collect(cluster, tmp_path) == [("a", "passed", True), ("b", "failed", True)]
    assert collect(Cluster(("a", 4, "passed"), ("b", 5, "failed")), tmp_path) == [
        ("a", "passed", False),
        ("b", "failed", False),
    ]
    assert sorted(path.name for path in (tmp_path / "prod").iterdir()) == [
        "verification-20261124T040000.000000Z-00000004.json",
        "verification-20261124T050000.000000Z-00000005.json",
    ]


def test_a_run_whose_log_is_gone_is_lost_never_passed(tmp_path: Path) -> None:
    assert collect(Cluster(("a", 4, "passed")), tmp_path) == [("a", "lost", False)]
    assert not (tmp_path / "prod").exists()


def test_a_run_that_failed_without_a_result_stays_failed_and_says_both(tmp_path: Path) -> None:
    (run,) = collect_runs(Cluster(("a", 4, "failed"), logs={"a": "killed"}), "qwen", APP, root=tmp_path, stack="prod")
    assert (run.status, run.file) == ("failed", None)
    assert run.summary == "verification failed: by its message (the pod's log has no result)"


def test_a_kept_result_that_cannot_be_read_is_told_with_its_file(tmp_path: Path) -> None:
    cluster = Cluster(("a", 4, "passed"), logs={"a": write_result_line(report("passed"))})
    collect(cluster, tmp_path)
    [path] = (tmp_path / "prod").iterdir()
    path.write_text("{", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=f"the result cannot be read.*{path.name}"):
        collect(cluster, tmp_path)
