"""The run second by second: how many requests were under way, and how many chunks came. Pure arithmetic."""

import math
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from qwen_infra.benchmark.trace import RequestTrace

__all__ = ["Timeline", "build_timeline"]


class Timeline(BaseModel):
    """Whole seconds counted from the first sending; completed requests only, as vLLM counts its peaks.

    Args:
        running: requests that touch that second.
        output_tokens: chunks that came in it.
        started: requests sent in it.

    Shape: one value a second, all three of the same length; empty when nothing was completed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    running: tuple[int, ...] = ()
    output_tokens: tuple[int, ...] = ()
    started: tuple[int, ...] = ()


def build_timeline(completed: Sequence[RequestTrace]) -> Timeline:
    """The timeline of completed requests."""
    if not completed:
        return Timeline()
    first_s = min(trace.sent_at_s for trace in completed)
    last_s = max(trace.chunk_times_s[-1] for trace in completed)
    seconds = math.floor(last_s - first_s) + 1
    running, chunks, started = [0] * seconds, [0] * seconds, [0] * seconds
    for trace in completed:
        for chunk_s in trace.chunk_times_s:
            chunks[int(chunk_s - first_s)] += 1
        sent = int(trace.sent_at_s - first_s)
        started[sent] += 1
        for second in range(sent, int(trace.chunk_times_s[-1] - first_s) + 1):
            running[second] += 1
    return Timeline(running=tuple(running), output_tokens=tuple(chunks), started=tuple(started))
