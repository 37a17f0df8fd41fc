"""The status of a model-server pod in the words that a kubelet uses. Pure: facts in, a merge patch out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from qwen_infra.local.agent.pods import ServerPod

__all__ = ["ContainerFacts", "Termination", "build_status"]


@dataclass(frozen=True)
class Termination:
    """How the last server process ended."""

    exit_code: int
    started_at: datetime
    finished_at: datetime


@dataclass(frozen=True)
class ContainerFacts:
    """What is known of the container: running since ``started_at``, or waiting for ``waiting_reason``."""

    ready: bool
    restarts: int
    started_at: datetime | None = None
    waiting_reason: str | None = None
    waiting_message: str = ""
    last: Termination | None = None


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
    # a pod that ran once stays Running, also between two starts of its container
    phase = "Running" if running or facts.last or old.get("phase") == "Running" else "Pending"
    return {"status": {"phase": phase, "conditions": conditions, "containerStatuses": statuses}}


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
