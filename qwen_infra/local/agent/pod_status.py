"""The status of the agent's pods in the words that a kubelet uses. Pure: facts in, a merge patch out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from qwen_infra.local.agent.pods import ContainerPod, ServerPod

__all__ = ["CRASHED", "ContainerFacts", "RunFacts", "Termination", "build_job_status", "build_status"]

CRASHED = "CrashLoopBackOff"
"""The kubelet's reason for a container that waits to be started again."""


@dataclass(frozen=True)
class Termination:
    """How a process ended; ``message``: what it wrote to its termination log."""

    exit_code: int
    started_at: datetime
    finished_at: datetime
    message: str = ""


@dataclass(frozen=True)
class RunFacts:
    """A container that runs once: waiting for ``waiting_reason``, running since ``started_at``, or ``ended``."""

    started_at: datetime | None = None
    ended: Termination | None = None
    waiting_reason: str = "ContainerCreating"
    waiting_message: str = ""
    restarts: int = 0

    @property
    def succeeded(self) -> bool:
        return self.ended is not None and self.ended.exit_code == 0


@dataclass(frozen=True)
class ContainerFacts:
    """What is known of the container: running since ``started_at``, or waiting for ``waiting_reason``.

    ``download``: of the init container that brings the weights; None: there is none, or it is not known yet.
    """

    ready: bool
    restarts: int
    started_at: datetime | None = None
    waiting_reason: str | None = None
    waiting_message: str = ""
    last: Termination | None = None
    download: RunFacts | None = None


def build_job_status(pod: ContainerPod, facts: RunFacts) -> dict[str, Any]:
    """The body of a merge patch of the ``status`` of a pod whose container runs once."""
    now = _stamp(datetime.now(UTC))
    old = pod.raw.get("status", {})
    conditions = _conditions(old.get("conditions", []), ready=facts.started_at is not None, container="", now=now)
    phase = "Pending" if facts.started_at is None else "Running"
    if facts.ended is not None:
        phase = "Succeeded" if facts.succeeded else "Failed"
    statuses = [
        _run_once(status, facts, ready=facts.started_at is not None) if status["name"] == pod.container else status
        for status in old.get("containerStatuses", [])
    ]
    return {"status": {"phase": phase, "conditions": conditions, "containerStatuses": statuses}}


def build_status(pod: ServerPod, facts: ContainerFacts) -> dict[str, Any]:
    """The body of a merge patch of the pod's ``status``; conditions that are not ours are kept as they were."""
    now = _stamp(datetime.now(UTC))
    old = pod.raw.get("status", {})
    running = facts.started_at is not None
    conditions = _conditions(old.get("conditions", []), ready=facts.ready, container=pod.container, now=now)
    for gate in pod.raw["spec"].get("readinessGates", ()):  # nobody else sets them on a simulated node
        conditions = _set(conditions, gate["conditionType"], facts.ready, now, None)
    statuses = [
        _container(status, facts) if status["name"] == pod.container else _companion(status, running=running, now=now)
        for status in old.get("containerStatuses", [])
    ]
    initial = [_initial(status, pod, facts, now) for status in old.get("initContainerStatuses", [])]
    if initial:
        conditions = _set(conditions, "Initialized", all(status["ready"] for status in initial), now, None)
    # a pod that ran once stays Running, also between two starts of its container
    phase = "Running" if running or facts.last or old.get("phase") == "Running" else "Pending"
    found = {"phase": phase, "conditions": conditions, "containerStatuses": statuses}
    return {"status": found | ({"initContainerStatuses": initial} if initial else {})}


def _initial(status: Mapping[str, Any], pod: ServerPod, facts: ContainerFacts, now: str) -> dict[str, Any]:
    """An init container: the download as it is; nothing runs for others, which are taken for completed."""
    if pod.download is not None and status["name"] == pod.download.container:
        run = facts.download or RunFacts()
        return _run_once(status, run, ready=run.succeeded)
    if "terminated" in status.get("state", {}):
        return dict(status)
    ended = {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}
    return {**status, "ready": True, "state": {"terminated": ended}}


def _run_once(status: Mapping[str, Any], facts: RunFacts, *, ready: bool) -> dict[str, Any]:
    state: dict[str, Any]
    if facts.waiting_reason == CRASHED:
        state = {"waiting": {"reason": facts.waiting_reason, "message": facts.waiting_message}}
    elif facts.ended is not None:
        state = _last_state(facts.ended)
    elif facts.started_at is not None:
        state = {"running": {"startedAt": _stamp(facts.started_at)}}
    else:
        state = {"waiting": {"reason": facts.waiting_reason, "message": facts.waiting_message}}
    return {
        **{key: status[key] for key in ("name", "image")},
        "imageID": status.get("imageID", ""),
        "ready": ready,
        "started": facts.started_at is not None,
        "restartCount": facts.restarts,
        "state": state,
        "lastState": _last_state(facts.ended) if facts.restarts else {},
    }


def _conditions(old: list[Mapping[str, Any]], *, ready: bool, container: str, now: str) -> list[dict[str, Any]]:
    message = None if ready else f"containers with unready status: [{container}]"
    found = [dict(condition) for condition in old]
    for kind in ("Ready", "ContainersReady"):
        found = _set(found, kind, ready, now, message)
    return found


def _set(
    conditions: list[dict[str, Any]], kind: str, value: bool, now: str, message: str | None
) -> list[dict[str, Any]]:
    status = "True" if value else "False"
    before = next((condition for condition in conditions if condition["type"] == kind), {})
    changed = before.get("status") != status
    entry = {
        "type": kind,
        "status": status,
        "lastTransitionTime": now if changed else before.get("lastTransitionTime", now),
    }
    if message:
        entry |= {"reason": "ContainersNotReady", "message": message}
    return [condition for condition in conditions if condition["type"] != kind] + [entry]


def _container(status: Mapping[str, Any], facts: ContainerFacts) -> dict[str, Any]:
    state: dict[str, Any]
    if facts.started_at is not None:
        state = {"running": {"startedAt": _stamp(facts.started_at)}}
    else:
        state = {"waiting": {"reason": facts.waiting_reason, "message": facts.waiting_message}}
    return {
        "name": status["name"],
        "image": status["image"],
        "imageID": status.get("imageID", ""),
        "ready": facts.ready,
        "started": facts.ready,
        "restartCount": facts.restarts,
        "state": state,
        "lastState": _last_state(facts.last),
    }


def _last_state(last: Termination | None) -> dict[str, Any]:
    if last is None:
        return {}
    return {
        "terminated": {
            "exitCode": last.exit_code,
            "reason": "Completed" if last.exit_code == 0 else "Error",
            **({"message": last.message} if last.message else {}),
            "startedAt": _stamp(last.started_at),
            "finishedAt": _stamp(last.finished_at),
        }
    }


def _companion(status: Mapping[str, Any], *, running: bool, now: str) -> dict[str, Any]:
    """Another container of the pod: nothing runs for it, it is taken for up as soon as the server runs."""
    if not running or "running" in status.get("state", {}):
        return dict(status)
    return {**status, "ready": True, "started": True, "state": {"running": {"startedAt": now}}}


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
