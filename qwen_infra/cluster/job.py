"""One Job from its creation to its log: created, watched with progress, read, deleted.

What the log means belongs to the callers.
"""

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from qwen_infra.cluster.kubectl import Kubectl, KubectlError
from qwen_infra.cluster.patience import ask_patiently
from qwen_infra.cluster.rollout import HOPELESS_REASONS
from qwen_infra.errors import CheckFailedError

__all__ = ["judge_progress", "run_job"]

POLL_S = 1.0
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


def judge_progress(job: Object, pods: Sequence[Object]) -> tuple[bool, str, str | None]:
    """Whether it is done, what it is doing, and why it cannot succeed (None while it can)."""
    conditions = {
        item["type"]: item for item in job.get("status", {}).get("conditions", ()) if item["status"] == "True"
    }
    if "Complete" in conditions or "SuccessCriteriaMet" in conditions:
        return True, "done", None
    if "Failed" in conditions:
        failed = conditions["Failed"]
        return False, "failed", f"{failed.get('reason', 'Failed')}: {failed.get('message', 'no message')}"
    for pod in pods:
        for condition in pod.get("status", {}).get("conditions", ()):
            if condition.get("reason") == "Unschedulable":
                return False, f"its pod cannot be scheduled: {condition.get('message')}", None
        for status in pod.get("status", {}).get("containerStatuses", ()):
            waiting = status.get("state", {}).get("waiting", {})
            if waiting.get("reason") in HOPELESS_REASONS:
                return False, "cannot start", f"{waiting['reason']}: {waiting.get('message', 'no message')}"
        return False, f"its pod is {pod.get('status', {}).get('phase', 'Pending')}", None
    return False, "it has no pod yet", None


def _wait(kubectl: Kubectl, namespace: str, name: str, timeout_s: float, report: Callable[[str], None]) -> None:
    started_s = time.monotonic()
    while True:
        is_done, doing, hopeless = ask_patiently(
            lambda: _observe(kubectl, namespace, name), report=report, deadline_s=started_s + timeout_s
        )
        waited_s = time.monotonic() - started_s
        if is_done:
            return
        if hopeless is None and waited_s > timeout_s:
            hopeless = f"it was not done within {timeout_s:.0f} s, {doing}"
        if hopeless is not None:
            raise CheckFailedError(
                f"Job {namespace}/{name}: {hopeless}{_last_lines(kubectl, namespace, name)}",
                mend="the next `pulumi up` runs it again; until it ends, all of it is shown by "
                f"kubectl --namespace {namespace} logs --follow job/{name}",
            )
        report(f"Job {name}: {doing} ({waited_s:.0f} s)")
        time.sleep(POLL_S)


def _observe(kubectl: Kubectl, namespace: str, name: str) -> tuple[bool, str, str | None]:
    job = kubectl.get("--namespace", namespace, "job", name)
    return judge_progress(job, kubectl.items("--namespace", namespace, "pods", f"--selector=job-name={name}"))


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
