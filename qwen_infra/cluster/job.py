"""One Job from its creation to its log: created, watched with progress, read, deleted.

What the log means belongs to the callers.
"""

import json
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from qwen_infra.cluster.job_state import wait_for_jobs
from qwen_infra.cluster.kubectl import Kubectl, KubectlError
from qwen_infra.cluster.patience import ask_patiently
from qwen_infra.errors import CheckFailedError

__all__ = ["run_job"]

LOG_LINES = 5
DELETE_TIMEOUT_S = 60.0
READ_TIMEOUT_S = 60.0

Object = Mapping[str, Any]


def run_job(kubectl: Kubectl, manifest: Object, *, timeout_s: float, report: Callable[[str], None]) -> str:
    """Create the Job, wait for its end, and give its pod's log; it is deleted whatever happens.

    Raises:
        CheckFailedError: it failed, cannot start, or was not done in time; with its last log lines.
        KubectlError: the cluster refused the Job, or did not answer for minutes.
    """
    namespace, name = manifest["metadata"]["namespace"], manifest["metadata"]["name"]
    _delete(kubectl, namespace, name)  # of a run that was killed
    kubectl.run("create", "--filename=-", stdin=json.dumps(manifest))
    try:
        _wait(kubectl, namespace, name, timeout_s, report)
        return ask_patiently(
            lambda: kubectl.run("--namespace", namespace, "logs", f"job/{name}", timeout_s=READ_TIMEOUT_S),
            report=report,
            deadline_s=math.inf,
        )
    finally:
        # neither the log nor the reason of a failure is lost over it; the next run deletes
        with suppress(KubectlError):
            _delete(kubectl, namespace, name)


def _wait(kubectl: Kubectl, namespace: str, name: str, timeout_s: float, report: Callable[[str], None]) -> None:
    """A pod without a place is waited for to the end: what holds the place may be a benchmark of somebody else."""
    (state,) = wait_for_jobs(
        kubectl, namespace, [name], timeout_s=timeout_s, report=report, unschedulable_grace_s=timeout_s
    ).values()
    if state.kind != "complete":
        raise CheckFailedError(
            f"Job {namespace}/{name}: {state.message}{_last_lines(kubectl, namespace, name)}",
            mend="the next `pulumi up` runs it again; until it ends, all of it is shown by "
            f"kubectl --namespace {namespace} logs --follow job/{name}",
        )


def _last_lines(kubectl: Kubectl, namespace: str, name: str) -> str:
    try:
        text = kubectl.run("--namespace", namespace, "logs", f"job/{name}", f"--tail={LOG_LINES}")
    except KubectlError:
        return ""  # a pod that never started has no log
    lines = [line.strip()[:300] for line in text.splitlines() if line.strip()]
    return f"; its last log lines: {' | '.join(lines)}" if lines else ""


def _delete(kubectl: Kubectl, namespace: str, name: str) -> None:
    arguments = ("--namespace", namespace, "delete", "job", name, "--ignore-not-found", "--cascade=foreground")
    kubectl.run(*arguments, timeout_s=DELETE_TIMEOUT_S)
