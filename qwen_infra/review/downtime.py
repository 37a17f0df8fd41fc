"""How long a change keeps a server from answering: from the rollout strategy and the pod's own budgets.

Longest times, as the manifest allows them: the old pod's drain and the new pod's start-up probe. What is measured is
usually shorter, and told in the readiness of each deployment.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qwen_infra.review.preview import Step

__all__ = ["Downtime", "estimate_downtime"]

DEFAULT_GRACE_S = 30
"""Kubernetes' default of terminationGracePeriodSeconds."""


@dataclass(frozen=True)
class Downtime:
    """Longest time without an answer [s], 0 for none, and the reason."""

    server: str
    longest_s: int
    reason: str


def estimate_downtime(step: Step) -> Downtime | None:
    """For a step about a Deployment; ``None`` where it says nothing of downtime."""
    if step.type != "kubernetes:apps/v1:Deployment":
        return None
    name = str(_at(step.new or step.old, "metadata", "name") or step.name)
    if step.op == "delete":
        return Downtime(name, 0, "is removed and answers no more")
    if step.op not in {"update", "replace"} or not _at(step.old, "spec"):
        return None
    return _estimate_update(step, name)


def _estimate_update(step: Step, name: str) -> Downtime | None:
    template_changes = _at(step.old, "spec", "template") != _at(step.new, "spec", "template")
    if step.op == "update" and not template_changes:
        return None
    start, drain = _start_s(step.new), _drain_s(step.old)
    if step.op == "replace" or _at(step.new, "spec", "strategy", "type") == "Recreate":
        return Downtime(name, drain + start, f"Recreate: drain at most {drain} s, then start at most {start} s")
    replicas = int(_at(step.new, "spec", "replicas") or 1)
    away = _count(_at(step.new, "spec", "strategy", "rollingUpdate", "maxUnavailable"), replicas)
    if away >= replicas:
        return Downtime(name, drain + start, f"maxUnavailable {away} of {replicas}: all copies go at once")
    reason = f"rolling, at least {replicas - away} of {replicas} copies answer; each takes at most {start} s to start"
    return Downtime(name, 0, reason)


def _count(value: Any, replicas: int) -> int:
    """``maxUnavailable`` as a number; a percentage is rounded down, and 25 % is the default (Kubernetes, apps/v1)."""
    if isinstance(value, int | float):
        return int(value)
    text = str(value).removesuffix("%") if value is not None else "25"
    return math.floor(replicas * int(text) / 100) if text.isdigit() else 0


def _drain_s(manifest: Mapping[str, Any]) -> int:
    found = _at(manifest, "spec", "template", "spec", "terminationGracePeriodSeconds")
    return int(found) if isinstance(found, int | float) else DEFAULT_GRACE_S


def _start_s(manifest: Mapping[str, Any]) -> int:
    containers = _at(manifest, "spec", "template", "spec", "containers")
    probe = _at(containers[0], "startupProbe") if isinstance(containers, list) and containers else None
    probe = probe if isinstance(probe, Mapping) else {}
    return int(probe.get("periodSeconds", 10)) * int(probe.get("failureThreshold", 3))


def _at(value: Any, *path: str) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
