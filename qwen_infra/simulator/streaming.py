"""From granted tokens to bytes on the connection: paced streams, whole bodies, hang-ups, and the faults of the wire."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from qwen_infra.simulator.api_errors import ApiError
from qwen_infra.simulator.engine import Ticket
from qwen_infra.simulator.faults import FaultSwitch
from qwen_infra.simulator.generation import TokenPlan
from qwen_infra.simulator.simulation import Simulation
from qwen_infra.simulator.wire import DONE, EventWriter, make_event, to_json

__all__ = ["Answer", "respond_with_body", "respond_with_stream"]

MERGE_ABOVE_TOKENS = 8
"""A stream that is this far behind sends what is there as one event, as vLLM's output collector does."""

FAULTY_EVENT = 2
"""Where in a stream its fault shows, from 0: after the role and one token, so that short answers have it too."""

CLIENT_CLOSED_REQUEST = 499


@dataclass(frozen=True)
class Answer:
    """One prompt of a request with everything that is going to be said to it."""

    prompt_ids: Sequence[int]
    plan: TokenPlan
    arrived_s: float

    def submit(self, simulation: Simulation) -> Ticket:
        """Hand it to the engine."""
        plan = self.plan
        return simulation.engine.submit(
            self.prompt_ids, plan.output_tokens, plan.finish_reason, arrived_s=self.arrived_s
        )


class _ConnectionCutError(Exception):
    """The fault truncated-stream: end the response without its end."""


class _CuttableStream(StreamingResponse):
    async def stream_response(self, send: Send) -> None:
        with suppress(_ConnectionCutError):
            await super().stream_response(send)


class _HalfBody(Response):
    """A body that promises its whole length and ends in the middle."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


def respond_with_stream(
    simulation: Simulation,
    answers: Sequence[Answer],
    writers: Sequence[EventWriter],
    close: Callable[[], list[bytes]],
    make_end: Callable[[], bytes] = lambda: DONE,
) -> Response:
    """An event stream of one or more answers; ``close`` gives the events after all of them, ``make_end`` the last."""
    events = _stream(simulation, answers, writers, close)
    return _CuttableStream(_disturb(events, simulation, make_end), media_type="text/event-stream")


async def respond_with_body(
    request: Request, simulation: Simulation, answers: Sequence[Answer], build: Callable[[], dict[str, Any]]
) -> Response:
    """Wait for all answers, then send the body; a client that hangs up aborts them."""
    tickets = [answer.submit(simulation) for answer in answers]
    try:
        waits = [
            ticket.wait_for(answer.plan.output_tokens or 2**62) for ticket, answer in zip(tickets, answers, strict=True)
        ]
        if not await _finish_before_hangup(request, asyncio.gather(*waits)):
            return Response(status_code=CLIENT_CLOSED_REQUEST)
    finally:
        for ticket in tickets:
            simulation.engine.close(ticket)
    return _send_body(to_json(build()), simulation.faults)


async def _finish_before_hangup(request: Request, work: Awaitable[Any]) -> bool:
    async def listen() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    done, hangup = asyncio.ensure_future(work), asyncio.ensure_future(listen())
    try:
        await asyncio.wait({done, hangup}, return_when=asyncio.FIRST_COMPLETED)
        return done.done()
    finally:
        done.cancel()
        hangup.cancel()
        await asyncio.gather(done, hangup, return_exceptions=True)


def _send_body(body: bytes, faults: FaultSwitch) -> Response:
    media_type = "application/json"
    if faults.is_active("broken-json"):
        body = body[: len(body) // 2]
    if faults.is_active("invalid-utf8"):
        body = body[:-2] + b'\xff\xfe"' + body[-2:]
    if faults.is_active("truncated-stream"):
        return _HalfBody(body, media_type=media_type)
    return Response(body, media_type=media_type)


async def _stream(
    simulation: Simulation, answers: Sequence[Answer], writers: Sequence[EventWriter], close: Callable[[], list[bytes]]
) -> AsyncGenerator[bytes, None]:
    streams = [_stream_answer(simulation, *pair) for pair in zip(answers, writers, strict=True)]
    async with aclosing(streams[0] if len(streams) == 1 else _interleave(streams)) as events:
        async for event in events:
            yield event
    for event in close():
        yield event


async def _stream_answer(simulation: Simulation, answer: Answer, writer: EventWriter) -> AsyncGenerator[bytes, None]:
    ticket = answer.submit(simulation)
    total = answer.plan.output_tokens
    sent = 0
    try:
        while total is None or sent < total:
            granted = await ticket.wait_for(sent + 1)
            if sent == 0:
                for event in writer.open():
                    yield event
            stop = granted if granted - sent > MERGE_ABOVE_TOKENS else sent + 1
            event = writer.write(sent, stop)
            sent = stop
            if event:
                yield event
    finally:
        simulation.engine.close(ticket)


async def _interleave(streams: list[AsyncGenerator[bytes, None]]) -> AsyncGenerator[bytes, None]:
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=64)

    async def pump(stream: AsyncGenerator[bytes, None]) -> None:
        async for event in stream:
            await queue.put(event)
        await queue.put(None)

    tasks = [asyncio.ensure_future(pump(stream)) for stream in streams]
    try:
        open_streams = len(tasks)
        while open_streams:
            event = await queue.get()
            if event is None:
                open_streams -= 1
            else:
                yield event
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _disturb(
    events: AsyncGenerator[bytes, None], simulation: Simulation, make_end: Callable[[], bytes]
) -> AsyncGenerator[bytes, None]:
    faults = simulation.faults
    number = 0
    async with aclosing(events):
        async for event in events:
            if number != FAULTY_EVENT or not faults.active:
                number += 1
                yield event
                continue
            number += 1
            if faults.is_active("stall"):
                await asyncio.sleep(simulation.settings.stall_s)
            if faults.is_active("truncated-stream"):
                raise _ConnectionCutError
            yield _change_event(event, faults)
            if faults.is_active("error-in-stream"):
                yield make_event(ApiError.server("Internal server error").body)
                yield DONE
                return
    if not faults.is_active("missing-done"):
        yield make_end()


def _change_event(event: bytes, faults: FaultSwitch) -> bytes:
    if faults.is_active("broken-json"):
        event = event[: len(event) // 2] + b"\n\n"
    if faults.is_active("invalid-utf8"):
        event = event[:-3] + b'\xff\xfe"' + event[-3:]
    return event
