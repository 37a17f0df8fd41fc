"""How a server stops without losing an answer: delay < shutdown timeout < grace period, in this order."""

from dataclasses import dataclass

__all__ = ["DrainPlan", "plan_drain"]

DELAY_S = 5
"""Time for every proxy to forget a pod that is going away; the pod answers meanwhile."""
SHUTDOWN_TIMEOUT_S = 120
"""Longest answer that a stopping server still finishes: 4096 tokens at 29.5 ms (the reference's time per token)."""
KILL_MARGIN_S = 15


@dataclass(frozen=True)
class DrainPlan:
    """Seconds of each step: ``preStop`` sleep, vLLM's ``--shutdown-timeout``, the pod's grace period for all of it."""

    delay_s: int
    shutdown_timeout_s: int
    grace_s: int


def plan_drain() -> DrainPlan:
    """The three times of a stop."""
    return DrainPlan(DELAY_S, SHUTDOWN_TIMEOUT_S, DELAY_S + SHUTDOWN_TIMEOUT_S + KILL_MARGIN_S)
