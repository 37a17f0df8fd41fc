"""The runs of a scheduled verification, from the cluster's Jobs and their pods' logs into ``results/<stack>/``.

A run is kept once, under the time at which it began, so that collecting again changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from qwen_infra.benchmark import find_result, read_result, validate_result, write_result
from qwen_infra.cluster import Kubectl
from qwen_infra.cluster.job_state import judge_job
from qwen_infra.cluster.kubectl import KubectlError
from qwen_infra.errors import CheckFailedError
from qwen_infra.verification import VerificationReport
from qwen_infra.verification.pod_log import read_result_line

__all__ = ["ScheduledRun", "collect_runs", "list_runs"]

KIND = "verification"
JOB_LABEL = "batch.kubernetes.io/job-name"

Object = Mapping[str, Any]
Status = Literal["running", "passed", "failed", "lost"]


@dataclass(frozen=True)
class ScheduledRun:
    """One run of the CronJob.

    Args:
        job: name of its Job.
        uid: the Job's, by which a run is known for ever.
        began_at: when the Job was made.
        status: ``lost`` when it ended and nobody can tell how.
        summary: one line.
        file: name of its kept result; None when there is none.
        is_new: whether this collection kept it.
    """

    job: str
    uid: str
    began_at: datetime
    status: Status
    summary: str
    file: str | None = None
    is_new: bool = False


def list_runs(kubectl: Kubectl, namespace: str, app: str) -> list[ScheduledRun]:
    """The runs that the cluster still has, oldest first, by their Jobs and termination messages; nothing is written.

    Raises:
        KubectlError: the cluster could not be asked.
    """
    jobs = kubectl.items("--namespace", namespace, "jobs", f"--selector=app={app}")
    pods = kubectl.items("--namespace", namespace, "pods", f"--selector=app={app}")
    by_job: dict[str, list[Object]] = {}
    for pod in pods:
        by_job.setdefault(pod["metadata"].get("labels", {}).get(JOB_LABEL, ""), []).append(pod)
    runs = [_describe(job, by_job.get(job["metadata"]["name"], [])) for job in jobs]
    return sorted(runs, key=lambda run: run.began_at)


def collect_runs(
    kubectl: Kubectl, namespace: str, app: str, *, root: Path, stack: str, server: str | None = None
) -> list[ScheduledRun]:
    """The runs, oldest first, with the results of those that ended kept below ``root``, as those of ``server``.

    Raises:
        KubectlError: the cluster could not be asked.
        ConfigurationError: the results could not be written, or one that was kept cannot be read.
    """
    return [
        run if run.status == "running" else _keep(kubectl, namespace, run, root, stack, server)
        for run in list_runs(kubectl, namespace, app)
    ]


def _keep(
    kubectl: Kubectl, namespace: str, run: ScheduledRun, root: Path, stack: str, server: str | None
) -> ScheduledRun:
    identity = (run.began_at, run.uid[:8])
    known = find_result(root=root, stack=stack, kind=KIND, identity=identity)
    if known is not None:
        kept = validate_result(VerificationReport, read_result(known), known, kind=KIND)
        return _with_report(run, kept, known, is_new=False)
    try:
        log = kubectl.run("--namespace", namespace, "logs", f"job/{run.job}", "--container=verification")
        report = read_result_line(log).model_copy(update={"server": server})
    except (KubectlError, CheckFailedError) as error:
        status: Status = "lost" if run.status == "passed" else run.status
        return replace(run, status=status, summary=f"{run.summary} ({error.what})")
    path = write_result(report, root=root, stack=stack, kind=KIND, identity=identity)
    return _with_report(run, report, path, is_new=True)


def _describe(job: Object, pods: list[Object]) -> ScheduledRun:
    state = judge_job(job, pods)
    meta = job["metadata"]
    told = state.result.get("message")
    status: Status = "running"
    summary = state.message
    if state.kind in {"complete", "failed"}:
        status = "passed" if state.kind == "complete" else "failed"
        summary = str(told) if told else state.message
    began_at = datetime.fromisoformat(meta["creationTimestamp"])
    return ScheduledRun(meta["name"], meta["uid"], began_at, status, summary)


def _with_report(run: ScheduledRun, report: VerificationReport, path: Path, *, is_new: bool) -> ScheduledRun:
    status: Status = "passed" if report.passed else "failed"
    return replace(run, status=status, summary=report.summary, file=path.name, is_new=is_new)
