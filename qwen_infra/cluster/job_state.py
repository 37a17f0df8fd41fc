"""Whether Jobs will complete, said as soon as it is known; the counterpart of ``rollout.py`` for Jobs.

The one judge of a Job's state and the one wait for it (docs/adr/0108), whoever made the Job.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, cast

from qwen_infra.cluster.kubectl import Kubectl, KubectlError, ObjectNotFoundError
from qwen_infra.cluster.patience import ask_patiently
from qwen_infra.cluster.rollout import UNPULLABLE_GRACE_S, UNSCHEDULABLE_GRACE_S, Trouble, find_pod_problem

__all__ = ["JobState", "judge_job", "wait_for_jobs"]

POLL_S = 1.0

Object = Mapping[str, Any]
Kind = Literal["complete", "failed", "waiting", "unschedulable", "unpullable", "stuck"]


@dataclass(frozen=True)
class JobState:
    """``complete``, ``failed``, ``waiting`` (with what for), ``unschedulable``, ``unpullable`` or ``stuck``.

    ``result``: what the last pod that ended wrote as its termination message, where that is JSON; ``node``: where.
    """

    kind: Kind
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
    if conditions.keys() & {"Complete", "SuccessCriteriaMet"}:
        return JobState("complete", "complete", result, node)
    if failed := conditions.get("Failed"):
        return JobState("failed", _why(failed, last, result), result, node)
    for pod in pods:
        problem = find_pod_problem(pod)
        if problem and problem.kind in {"unschedulable", "unpullable", "stuck"}:
            return JobState(cast("Kind", problem.kind), problem.message, node=node)
    if last is None:
        return JobState("waiting", "no pod yet")
    tried = job.get("status", {}).get("failed", 0)
    again = f", after {tried} that failed ({result.get('message') or 'no message'})" if tried else ""
    phase = last.get("status", {}).get("phase", "Pending")
    message = f"pod {last['metadata']['name']} is {phase}{f' on {node}' if node else ''}{again}"
    return JobState("waiting", message, running=phase == "Running")


def wait_for_jobs(
    kubectl: Kubectl,
    namespace: str,
    names: Sequence[str],
    *,
    timeout_s: float,
    report: Callable[[str], None],
    unschedulable_grace_s: float = UNSCHEDULABLE_GRACE_S,
) -> dict[str, JobState]:
    """All Jobs by name when all are ``complete``; as soon as one cannot be any more, only that one and its state.

    ``timeout_s`` [s] holds for all of them together: what is not complete then is ``stuck``, as is a pod that finds no
    place for ``unschedulable_grace_s`` [s].

    Raises:
        KubectlError: the cluster refused, or did not answer for minutes.
    """
    started_s = time.monotonic()
    graces_s = {"unschedulable": unschedulable_grace_s, "unpullable": UNPULLABLE_GRACE_S}
    troubles = {name: Trouble(graces_s) for name in names}
    states: dict[str, JobState] = {}
    while True:
        for name in (name for name in names if name not in states or states[name].kind != "complete"):
            question = partial(_observe, kubectl, namespace, name)
            state = ask_patiently(question, report=report, deadline_s=started_s + timeout_s)
            if troubles[name].lasts_too_long(state.kind):
                state = replace(state, kind="stuck")
            if state.kind in {"failed", "stuck"}:
                return {name: state}
            states[name] = state
        waiting = next((name for name in names if states[name].kind != "complete"), None)
        if waiting is None:
            return states
        if time.monotonic() - started_s > timeout_s:
            late = f"not complete within {_duration(timeout_s)}: {states[waiting].message}"
            return {waiting: replace(states[waiting], kind="stuck", message=late)}
        report(_tell_progress(kubectl, namespace, waiting, states))
        time.sleep(POLL_S)


def _tell_progress(kubectl: Kubectl, namespace: str, name: str, states: Mapping[str, JobState]) -> str:
    """How far the Job is, in its own words where it runs, and how many others are done already."""
    done = sum(state.kind == "complete" for state in states.values())
    others = f" ({done} of {len(states)} Jobs complete)" if len(states) > 1 else ""
    state = states[name]
    return ((state.running and _last_line(kubectl, namespace, name)) or state.message) + others


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"


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
