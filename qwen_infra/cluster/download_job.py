"""Whether a Job will complete, said as soon as it is known; the counterpart of ``rollout.py`` for Jobs."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from qwen_infra.cluster.kubectl import Kubectl, KubectlError, ObjectNotFoundError
from qwen_infra.cluster.patience import ask_patiently
from qwen_infra.cluster.rollout import UNSCHEDULABLE_GRACE_S, find_pod_problem

__all__ = ["JobState", "judge_job", "wait_for_job"]

POLL_S = 2.0

Object = Mapping[str, Any]


@dataclass(frozen=True)
class JobState:
    """``complete``, ``failed``, ``waiting`` (with what for), ``unschedulable`` or ``stuck``.

    ``result``: what the last pod that ended wrote as its termination message, where that is JSON; ``node``: where.
    """

    kind: Literal["complete", "failed", "waiting", "unschedulable", "stuck"]
    message: str
    result: Mapping[str, Any] = field(default_factory=dict)
    node: str | None = None
    running: bool = False
    """Whether a pod runs now, so that its log says how far it is."""


def judge_job(job: Object, pods: Sequence[Object]) -> JobState:
    """The state of a Job, from itself and its pods. Pure."""
    conditions = {
        item["type"]: item for item in job.get("status", {}).get("conditions", ()) if item["status"] == "True"
    }
    last = max(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")), default=None)
    node = last.get("spec", {}).get("nodeName") if last else None
    result = _result(last) if last else {}
    if "Complete" in conditions:
        return JobState("complete", "complete", result, node)
    if failed := conditions.get("Failed"):
        return JobState("failed", _why(failed, last, result), result, node)
    for pod in pods:
        problem = find_pod_problem(pod)
        if problem and problem.kind in {"unschedulable", "stuck"}:
            return JobState("unschedulable" if problem.kind == "unschedulable" else "stuck", problem.message, node=node)
    if last is None:
        return JobState("waiting", "no pod yet")
    tried = job.get("status", {}).get("failed", 0)
    again = f", after {tried} that failed ({result.get('message') or 'no message'})" if tried else ""
    phase = last.get("status", {}).get("phase", "Pending")
    message = f"pod {last['metadata']['name']} is {phase}{f' on {node}' if node else ''}{again}"
    return JobState("waiting", message, running=phase == "Running")


def wait_for_job(
    kubectl: Kubectl, namespace: str, name: str, *, timeout_s: float, report: Callable[[str], None]
) -> JobState:
    """The state in which the Job ended: ``complete``, ``failed`` or ``stuck``; never later than ``timeout_s``.

    Raises:
        KubectlError: the cluster refused, or did not answer for minutes.
    """
    started = time.monotonic()
    unschedulable_since: float | None = None
    while True:
        state = ask_patiently(lambda: _observe(kubectl, namespace, name), report=report, deadline_s=started + timeout_s)
        if state.kind in {"complete", "failed", "stuck"}:
            return state
        now = time.monotonic()
        unschedulable_since = (unschedulable_since or now) if state.kind == "unschedulable" else None
        if unschedulable_since is not None and now - unschedulable_since > UNSCHEDULABLE_GRACE_S:
            return JobState("stuck", state.message)
        if now - started > timeout_s:
            return JobState("stuck", f"not complete within {timeout_s / 60:.0f} min: {state.message}")
        report((state.running and _last_line(kubectl, namespace, name)) or state.message)
        time.sleep(POLL_S)


def _observe(kubectl: Kubectl, namespace: str, name: str) -> JobState:
    try:
        job = kubectl.get("--namespace", namespace, "job", name)
    except ObjectNotFoundError:
        return JobState("stuck", "it does not exist any more")
    pods = kubectl.items("--namespace", namespace, "pods", f"--selector=batch.kubernetes.io/job-name={name}")
    return judge_job(job, pods)


def _last_line(kubectl: Kubectl, namespace: str, name: str) -> str:
    """The last line of the running pod's log, which tells how far it is."""
    try:
        return kubectl.run("--namespace", namespace, "logs", f"job/{name}", "--tail=1").strip()
    except KubectlError:
        return ""  # a pod that has not started has none


def _why(condition: Object, pod: Object | None, result: Mapping[str, Any]) -> str:
    if result.get("message"):
        return str(result["message"])
    text = f"{condition.get('reason', 'Failed')}: {condition.get('message', '')}"
    ended = _termination(pod) if pod else {}
    return f"{text}; its last words: {' '.join(ended['message'].split())}" if ended.get("message") else text


def _result(pod: Object) -> dict[str, Any]:
    try:
        found = json.loads(_termination(pod).get("message", ""))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _termination(pod: Object) -> dict[str, Any]:
    for status in pod.get("status", {}).get("containerStatuses", ()):
        if ended := status.get("state", {}).get("terminated"):
            return dict(ended)
    return {}
