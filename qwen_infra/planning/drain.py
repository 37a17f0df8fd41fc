"""How a server stops without losing an answer: delay < shutdown timeout < grace period, in this order."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

__all__ = ["DrainPlan", "plan_drain"]

DELAY_S = 5
"""Time for every proxy to forget a pod that is going away; the pod answers meanwhile."""
MS_PER_TOKEN: Mapping[str, float] = {"gpu": 29.54, "cpu": 100.0}
"""By kind of device. GPU: the reference's mean TPOT (397B, 32 requests at once), generous for smaller models.
Processor: 0.8B alone on two cores took 83 ms (docs/sizing.md)."""
KILL_MARGIN_S = 15
"""For vLLM's own end after the last answer."""


@dataclass(frozen=True)
class DrainPlan:
    """Seconds of each step: ``preStop`` sleep, vLLM's ``--shutdown-timeout``, the pod's grace period for all of it."""

    delay_s: int
    shutdown_timeout_s: int
    grace_s: int


def plan_drain(longest_answer_tokens: int, device: str = "gpu") -> DrainPlan:
    """The three times of a stop, from the longest answer that must not be cut off.

    Formula: shutdown timeout = tokens · time of a token, and never below the delay; grace = delay + shutdown timeout +
    15 s.
    """
    timeout_s = max(DELAY_S + 1, ceil(longest_answer_tokens * MS_PER_TOKEN[device] / 1000))
    return DrainPlan(DELAY_S, timeout_s, DELAY_S + timeout_s + KILL_MARGIN_S)
