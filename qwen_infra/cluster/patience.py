"""Asking a cluster again that does not answer for a while: a restarted API server must not end a wait of an hour."""

import time
from collections.abc import Callable
from typing import TypeVar

from qwen_infra.cluster.kubectl import ClusterUnreachableError

__all__ = ["ask_patiently"]

SILENCE_S = 180.0
"""Longest silence that is waited out. Not measured: an API server that is replaced is back within this, and a lost VPN
is told soon enough."""
PAUSE_S = 2.0
_Answer = TypeVar("_Answer")


def ask_patiently(question: Callable[[], _Answer], *, report: Callable[[str], None], deadline_s: float) -> _Answer:
    """The answer to a question that only reads, asked until the cluster gives one.

    Args:
        question: asks the cluster.
        report: told, in a sentence, when the cluster does not answer.
        deadline_s: when it is not asked again, as ``time.monotonic`` counts [s].

    Raises:
        ClusterUnreachableError: it was silent for ``SILENCE_S`` or until the deadline.
        KubectlError: it answered, and refused.
    """
    silent_since_s: float | None = None
    while True:
        try:
            return question()
        except ClusterUnreachableError as error:
            now_s = time.monotonic()
            silent_since_s = now_s if silent_since_s is None else silent_since_s
            if now_s >= min(deadline_s, silent_since_s + SILENCE_S):
                raise
            report(f"the cluster does not answer, asking again: {error.found}")
            time.sleep(PAUSE_S)
