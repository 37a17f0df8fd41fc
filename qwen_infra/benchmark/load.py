"""Sends a workload's requests and measures each: an asyncio load generator with a deadline and a stop.

The send times are computed before (``arrivals``) and slept to as absolute times, so that a late send delays none after
it. What was measured is kept whatever ends the run. Figures are made from it in ``metrics``.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from qwen_infra.benchmark.prompts.session import Session
from qwen_infra.benchmark.trace import RequestTrace
from qwen_infra.client import ConnectionFailedError, Deadlines, EndpointError, OnEvent, StreamingClient, parse_event

__all__ = ["LoadOutcome", "LoadPlan", "generate_load"]

_TICK_S = 1.0
_MAX_REFUSALS_IN_A_ROW = 10


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """What is sent and when.

    Args:
        path: of the API.
        sessions: one per user, in send order.
        send_times_s: when each begins, in seconds after the start.
        deadlines: of each request.
        deadline_s: of the whole load.
        max_concurrency: requests under way at most; None for any number.
        concurrency_ramp_s: time over which that maximum is reached.
        turn_pause_s: time between an answer and its session's next request.
    """

    path: str
    sessions: Sequence[Session] = field(repr=False)
    send_times_s: Sequence[float]
    deadlines: Deadlines
    deadline_s: float
    max_concurrency: int | None = None
    concurrency_ramp_s: float = 0.0
    turn_pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class LoadOutcome:
    """What came of it.

    Args:
        traces: one per request, session by session.
        duration_s: from the start to the end of the last request.
        stopped_because: why not all requests were sent and awaited; None when they were.
    """

    traces: list[RequestTrace]
    duration_s: float
    stopped_because: str | None


async def generate_load(
    client: StreamingClient, plan: LoadPlan, *, stop: asyncio.Event, progress: Callable[[str], None]
) -> LoadOutcome:
    """Send the plan's requests until they are answered, ``stop`` is set, or the deadline passes."""
    now = asyncio.get_running_loop().time
    load = _Load(client, plan)
    started_at_s = now()
    sender = asyncio.create_task(load.send_all(started_at_s))
    stopper = asyncio.create_task(stop.wait())
    stopped_because: str | None = None
    try:
        while not sender.done() and stopped_because is None:
            await asyncio.wait({sender, stopper}, timeout=_TICK_S, return_when=asyncio.FIRST_COMPLETED)
            progress(load.describe())
            if stopper.done():
                stopped_because = "it was interrupted"
            elif now() - started_at_s > plan.deadline_s:
                stopped_because = f"it was not done within {plan.deadline_s:g} s"
    finally:
        ended_at_s = now()
        stopper.cancel()
        if not sender.done():
            sender.cancel()
        await asyncio.wait({sender, stopper})
    if not sender.cancelled():
        sender.result()
        stopped_because = load.gave_up_because
    return LoadOutcome(load.traces, ended_at_s - started_at_s, stopped_because)


class _Load:
    """The requests of one run and the counts that progress is told from."""

    def __init__(self, client: StreamingClient, plan: LoadPlan) -> None:
        self._client = client
        self._plan = plan
        self._now = asyncio.get_running_loop().time
        self._slots = _Slots(plan.max_concurrency or len(plan.sessions), plan.concurrency_ramp_s)
        self._ended = 0
        self._chunks = 0
        self._told_chunks, self._told_at_s = 0, self._now()
        self._refusals_in_a_row = 0
        self.gave_up_because: str | None = None
        self._traces = [_make_traces(session) for session in plan.sessions]
        self.traces = [trace for traces in self._traces for trace in traces]

    async def send_all(self, started_at_s: float) -> None:
        plan = self._plan
        self._slots.open()
        try:
            async with asyncio.TaskGroup() as group:
                for session, send_time_s, traces in zip(plan.sessions, plan.send_times_s, self._traces, strict=True):
                    wait_s = started_at_s + send_time_s - self._now()
                    if wait_s > 0:
                        await asyncio.sleep(wait_s)
                    if self.gave_up_because:
                        return
                    group.create_task(self._run_session(session, traces))
        finally:
            self._slots.close()

    async def _run_session(self, session: Session, traces: Sequence[RequestTrace]) -> None:
        answers: list[str] = []
        for turn, trace in enumerate(traces):
            if turn and self._plan.turn_pause_s:
                await asyncio.sleep(self._plan.turn_pause_s)
            body = session.make_body(answers)
            said: list[str] | None = [] if turn + 1 < len(traces) else None
            due_at_s = self._now()
            async with self._slots.semaphore:
                if self.gave_up_because:
                    return
                trace.queued_s = self._now() - due_at_s
                await self._send(body, trace, said)
            self._ended += 1
            if not trace.is_completed:
                _skip(traces[turn + 1 :], trace)
                return
            answers.append("".join(said or ()))

    async def _send(self, body: bytes, trace: RequestTrace, said: list[str] | None) -> None:
        trace.error = "it was under way when the run was stopped"
        trace.sent_at_s = self._now()
        try:
            await self._client.stream(
                self._plan.path, body, self._make_reader(trace, said), deadlines=self._plan.deadlines
            )
        except EndpointError as error:
            trace.error_kind, trace.error = error.kind, error.what
            self._count_refusal(error)
            return
        except (AttributeError, IndexError, KeyError, TypeError) as error:  # cheaper than to look at every event
            trace.error_kind, trace.error = "protocol", f"an event has another form than vLLM's: {error}"
            return
        self._refusals_in_a_row = 0
        if trace.chunk_times_s:
            trace.error_kind, trace.error = None, ""
        else:
            trace.error_kind, trace.error = "protocol", "the answer had no token in it"

    def _make_reader(self, trace: RequestTrace, said: list[str] | None) -> OnEvent:
        """What is done with each event; the only code that runs for every token."""
        note_chunk = trace.chunk_times_s.append

        def read(arrived_at_s: float, data: str) -> None:
            event = parse_event(data)
            choices = event.get("choices")
            if choices:
                note_chunk(arrived_at_s)
                self._chunks += 1
                if trace.first_content_s is None or said is not None:
                    _read_text(choices[0], arrived_at_s, trace, said)
            usage = event.get("usage")
            if usage:
                _take_usage(trace, usage)

        return read

    def _count_refusal(self, error: EndpointError) -> None:
        """Give up on a server that is gone, instead of knocking for each of the remaining requests."""
        self._refusals_in_a_row = self._refusals_in_a_row + 1 if isinstance(error, ConnectionFailedError) else 0
        if self._refusals_in_a_row >= _MAX_REFUSALS_IN_A_ROW:
            self.gave_up_because = f"the server refused {self._refusals_in_a_row} connections in a row"

    def describe(self) -> str:
        """How far it is, and the output rate since the last time."""
        now_s = self._now()
        rate = (self._chunks - self._told_chunks) / max(now_s - self._told_at_s, 1e-3)
        self._told_chunks, self._told_at_s = self._chunks, now_s
        return f"{self._ended} of {len(self.traces)} requests done, {self._chunks} tokens, {rate:.0f} tok/s"


class _Slots:
    """A semaphore whose places open one by one over a time, evenly; all at once where the time is 0."""

    def __init__(self, count: int, ramp_s: float) -> None:
        self._closed = max(count - 1, 0) if ramp_s > 0 else 0
        self._step_s = ramp_s / self._closed if self._closed else 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.semaphore = asyncio.Semaphore(max(count, 1) - self._closed)

    def open(self) -> None:
        """Begin to open the places that are still closed."""
        if self._closed:
            self._timer = asyncio.get_running_loop().call_later(self._step_s, self._open_one)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _open_one(self) -> None:
        self._closed -= 1
        self.semaphore.release()
        self.open()


def _make_traces(session: Session) -> list[RequestTrace]:
    return [RequestTrace(session.prompt_tokens, session.output_tokens, turn) for turn in range(session.turns)]


def _skip(traces: Sequence[RequestTrace], failed: RequestTrace) -> None:
    """The turns after a failed one cannot be sent; they failed with it."""
    for trace in traces:
        trace.error_kind = failed.error_kind
        trace.error = f"an earlier turn of its conversation failed: {failed.error}"


def _read_text(choice: Any, arrived_at_s: float, trace: RequestTrace, said: list[str] | None) -> None:
    """Note the first text of each kind, and keep the answer's where the next turn needs it."""
    part = choice.get("delta")
    if part is None:
        text = choice.get("text")
    else:
        if trace.first_reasoning_s is None and (part.get("reasoning") or part.get("reasoning_content")):
            trace.first_reasoning_s = arrived_at_s
        text = part.get("content")
        if trace.first_content_s is None and part.get("tool_calls"):
            trace.first_content_s = arrived_at_s
    if text:
        if trace.first_content_s is None:
            trace.first_content_s = arrived_at_s
        if said is not None:
            said.append(text)


def _take_usage(trace: RequestTrace, usage: object) -> None:
    counts = usage if isinstance(usage, dict) else {}
    completion_tokens, prompt_tokens = counts.get("completion_tokens"), counts.get("prompt_tokens")
    if isinstance(completion_tokens, int):
        trace.output_tokens = completion_tokens
    if isinstance(prompt_tokens, int):
        trace.prompt_tokens = prompt_tokens
    details = counts.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    if isinstance(cached, int):
        trace.cached_tokens = cached
