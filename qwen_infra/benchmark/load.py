"""Sends a workload's requests and measures each: an asyncio load generator with a deadline and a stop.

The send times are computed before (``arrivals``) and slept to as absolute times, so that a late send delays none after
it. What was measured is kept whatever ends the run. Figures are made from it in ``metrics``.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from qwen_infra.benchmark.trace import RequestTrace
from qwen_infra.client import ConnectionFailedError, Deadlines, EndpointError, InferenceClient, parse_event

__all__ = ["LoadOutcome", "LoadPlan", "generate_load"]

_PATH = "/v1/completions"
_TICK_S = 1.0
_MAX_REFUSALS_IN_A_ROW = 10


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """What is sent and when.

    Args:
        bodies: the encoded request bodies, in send order.
        send_times_s: when each is sent, in seconds after the start.
        prompt_tokens: length of each prompt.
        max_concurrency: requests under way at most; None for any number.
        deadlines: of each request.
        deadline_s: of the whole load.
    """

    bodies: Sequence[bytes] = field(repr=False)
    send_times_s: Sequence[float]
    prompt_tokens: int
    max_concurrency: int | None
    deadlines: Deadlines
    deadline_s: float


@dataclass(frozen=True, slots=True)
class LoadOutcome:
    """What came of it.

    Args:
        traces: one per body, in send order.
        duration_s: from the start to the end of the last request.
        stopped_because: why not all requests were sent and awaited; None when they were.
    """

    traces: list[RequestTrace]
    duration_s: float
    stopped_because: str | None


async def generate_load(
    client: InferenceClient, plan: LoadPlan, *, stop: asyncio.Event, progress: Callable[[str], None]
) -> LoadOutcome:
    """Send the plan's requests until they are answered, ``stop`` is set, or the deadline passes."""
    load = _Load(client, plan)
    started_at_s = time.perf_counter()
    sender = asyncio.create_task(load.send_all(started_at_s))
    stopper = asyncio.create_task(stop.wait())
    stopped_because: str | None = None
    try:
        while not sender.done() and stopped_because is None:
            await asyncio.wait({sender, stopper}, timeout=_TICK_S, return_when=asyncio.FIRST_COMPLETED)
            progress(load.describe())
            if stopper.done():
                stopped_because = "it was interrupted"
            elif time.perf_counter() - started_at_s > plan.deadline_s:
                stopped_because = f"it was not done within {plan.deadline_s:g} s"
    finally:
        stopper.cancel()
        if not sender.done():
            sender.cancel()
        await asyncio.wait({sender, stopper})
    if not sender.cancelled():
        sender.result()
        stopped_because = load.gave_up_because
    return LoadOutcome(load.traces, time.perf_counter() - started_at_s, stopped_because)


class _Load:
    """The requests of one run and the counts that progress is told from."""

    def __init__(self, client: InferenceClient, plan: LoadPlan) -> None:
        self._client = client
        self._plan = plan
        self._slots = asyncio.Semaphore(plan.max_concurrency or len(plan.bodies) or 1)
        self._ended = 0
        self._chunks = 0
        self._told_chunks, self._told_at_s = 0, time.perf_counter()
        self._refusals_in_a_row = 0
        self.gave_up_because: str | None = None
        self.traces = [RequestTrace(plan.prompt_tokens) for _ in plan.bodies]

    async def send_all(self, started_at_s: float) -> None:
        async with asyncio.TaskGroup() as group:
            for body, send_time_s, trace in zip(self._plan.bodies, self._plan.send_times_s, self.traces, strict=True):
                wait_s = started_at_s + send_time_s - time.perf_counter()
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
                if self.gave_up_because:
                    return
                group.create_task(self._send_in_turn(body, trace))

    async def _send_in_turn(self, body: bytes, trace: RequestTrace) -> None:
        due_at_s = time.perf_counter()
        async with self._slots:
            if self.gave_up_because:
                return
            trace.queued_s = time.perf_counter() - due_at_s
            await self._send(body, trace)
        self._ended += 1

    async def _send(self, body: bytes, trace: RequestTrace) -> None:
        def take(arrived_at_s: float, data: str) -> None:
            event = parse_event(data)
            if event.get("choices"):
                trace.chunk_times_s.append(arrived_at_s)
                self._chunks += 1
            usage = event.get("usage")
            if usage:
                _take_usage(trace, usage)

        trace.error = "it was under way when the run was stopped"
        trace.sent_at_s = time.perf_counter()
        try:
            await self._client.stream(_PATH, body, take, deadlines=self._plan.deadlines)
        except EndpointError as error:
            trace.error_kind, trace.error = error.kind, error.what
            self._count_refusal(error)
            return
        self._refusals_in_a_row = 0
        if trace.chunk_times_s:
            trace.error_kind, trace.error = None, ""
        else:
            trace.error_kind, trace.error = "protocol", "the answer had no token in it"

    def _count_refusal(self, error: EndpointError) -> None:
        """Give up on a server that is gone, instead of knocking for each of the remaining requests."""
        self._refusals_in_a_row = self._refusals_in_a_row + 1 if isinstance(error, ConnectionFailedError) else 0
        if self._refusals_in_a_row >= _MAX_REFUSALS_IN_A_ROW:
            self.gave_up_because = f"the server refused {self._refusals_in_a_row} connections in a row"

    def describe(self) -> str:
        """How far it is, and the output rate since the last time."""
        now_s = time.perf_counter()
        rate = (self._chunks - self._told_chunks) / max(now_s - self._told_at_s, 1e-3)
        self._told_chunks, self._told_at_s = self._chunks, now_s
        return f"{self._ended} of {len(self.traces)} requests done, {self._chunks} tokens, {rate:.0f} tok/s"


def _take_usage(trace: RequestTrace, usage: object) -> None:
    counts = usage if isinstance(usage, dict) else {}
    completion_tokens, prompt_tokens = counts.get("completion_tokens"), counts.get("prompt_tokens")
    if isinstance(completion_tokens, int):
        trace.output_tokens = completion_tokens
    if isinstance(prompt_tokens, int):
        trace.prompt_tokens = prompt_tokens
