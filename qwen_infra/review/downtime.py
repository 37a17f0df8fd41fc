"""How long a change keeps a server from answering: from the rollout strategy and the pod's own budgets.

Longest times, as the manifest allows them: the old pod's drain and the new pod's start-up probe. What is measured is
usually shorter, and told in the readiness of each deployment.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qwen_infra.quantities import whole_number
from qwen_infra.review.preview import Step

__all__ = ["Downtime", "estimate_downtimes"]

DEFAULT_GRACE_S = 30
"""Kubernetes' default of terminationGracePeriodSeconds."""
WORKLOADS = ("kubernetes:apps/v1:Deployment", "kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet")
FAMILY_LABEL, ROLLOUT = "app.kubernetes.io/part-of", "qwen-infra.dev/rollout"
"""As ``qwen_infra.manifests`` writes them: whose generation an object is, and that generations follow each other."""


@dataclass(frozen=True)
class Downtime:
    """Longest time without an answer [s], 0 for none, and the reason."""

    server: str
    longest_s: int
    reason: str


def estimate_downtimes(steps: Sequence[Step]) -> tuple[Downtime, ...]:
    """For the steps about what makes pods; nothing for those that say nothing of downtime."""
    workloads = [step for step in steps if step.type in WORKLOADS]
    following = {_family(step.new): step for step in workloads if step.op != "delete" and _is_blue_green(step.new)}
    found = []
    for step in workloads:
        successor = following.get(_family(step.old)) if step.op == "delete" else None
        estimate = _estimate_move(step, successor) if successor else _estimate(step)
        if estimate and not _is_overwritten(step, workloads):
            found.append(estimate)
    return tuple(found)


def _estimate_move(old: Step, new: Step) -> Downtime:
    """One generation follows another."""
    reason = f"blueGreen: {_name(new)} is checked beside {_name(old)}, then the endpoint moves to it"
    return Downtime(_family(old.old), 0, reason)


def _is_overwritten(step: Step, workloads: Sequence[Step]) -> bool:
    """Whether nobody asks these pods: the generation before them serves, and goes in the same update."""
    return (
        step.op == "update"
        and _is_blue_green(step.new)
        and any(other.op == "delete" and _family(other.old) == _family(step.new) for other in workloads)
    )


def _estimate(step: Step) -> Downtime | None:
    name = _name(step)
    if step.op == "delete":
        return Downtime(name, 0, "is removed and answers no more")
    if step.op not in {"update", "replace"} or not _at(step.old, "spec"):
        return None
    return _estimate_update(step, name)


def _estimate_update(step: Step, name: str) -> Downtime | None:
    if step.op == "update" and _pods(step.old) == _pods(step.new):
        return None
    start, drain = _start_s(step.new), _drain_s(step.old)
    is_group = step.type == WORKLOADS[1]
    if step.op == "replace" or _at(step.new, "spec", "strategy", "type") == "Recreate":
        return Downtime(name, drain + start, f"Recreate: drain at most {drain} s, then start at most {start} s")
    replicas = whole_number(_at(step.new, "spec", "replicas"), 1)
    path = ("rolloutStrategy", "rollingUpdateConfiguration") if is_group else ("strategy", "rollingUpdate")
    away = _count(_at(step.new, "spec", *path, "maxUnavailable"), replicas, default="1" if is_group else "25%")
    what = "groups" if is_group else "copies"
    if away >= replicas:
        return Downtime(name, drain + start, f"maxUnavailable {away} of {replicas}: all {what} go at once")
    reason = f"rolling, at least {replicas - away} of {replicas} {what} answer; each takes at most {start} s to start"
    return Downtime(name, 0, reason)


def _name(step: Step) -> str:
    return str(_at(step.new or step.old, "metadata", "name") or step.name)


def _family(manifest: Mapping[str, Any]) -> str:
    return str(_at(manifest, "metadata", "labels", FAMILY_LABEL) or "")


def _is_blue_green(manifest: Mapping[str, Any]) -> bool:
    return bool(_at(manifest, "metadata", "annotations", ROLLOUT) == "blueGreen")


def _pods(manifest: Mapping[str, Any]) -> Any:
    return _at(manifest, "spec", "template") or _at(manifest, "spec", "leaderWorkerTemplate")


def _pod_spec(manifest: Mapping[str, Any]) -> Any:
    """Of the pods that answer: of a group, its leader."""
    pods = _pods(manifest)
    return _at(pods, "spec") or _at(pods, "leaderTemplate", "spec")


def _count(value: Any, replicas: int, *, default: str) -> int:
    """``maxUnavailable`` as a number; a percentage is rounded down (Kubernetes, apps/v1: 25 % is the default)."""
    if isinstance(value, int | float):
        return whole_number(value, 0)
    text = str(value) if value is not None else default
    number = text.removesuffix("%")
    if not number.isdigit():
        return 0
    return math.floor(replicas * int(number) / 100) if text.endswith("%") else int(number)


def _drain_s(manifest: Mapping[str, Any]) -> int:
    return whole_number(_at(_pod_spec(manifest), "terminationGracePeriodSeconds"), DEFAULT_GRACE_S)


def _start_s(manifest: Mapping[str, Any]) -> int:
    containers = _at(_pod_spec(manifest), "containers")
    probe = _at(containers[0], "startupProbe") if isinstance(containers, list) and containers else None
    probe = probe if isinstance(probe, Mapping) else {}
    return whole_number(probe.get("periodSeconds"), 10) * whole_number(probe.get("failureThreshold"), 3)


def _at(value: Any, *path: str) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
