"""The load generator and the simulator in one process, on a clock that jumps from one due moment to the next.

Nothing waits and nothing is late, however loaded the machine: what the client measures can be compared exactly with
what the simulator was told to do. The socket between them is left out.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Message

from qwen_infra.benchmark.arrivals import schedule_arrivals
from qwen_infra.benchmark.load import LoadOutcome, LoadPlan, generate_load
from qwen_infra.benchmark.prompts.bodies import CHAT_PATH, COMPLETIONS_PATH
from qwen_infra.benchmark.prompts.session import Session
from qwen_infra.benchmark.prompts.token_ids import Vocabulary, build_token_sessions
from qwen_infra.benchmark.workload import Workload
from qwen_infra.client import Deadlines, HttpStatusError, OnEvent, SseParser
from qwen_infra.simulator import SimulatorSettings, create_app

Result = TypeVar("Result")
PATIENT = Deadlines(first_byte_s=1e6, between_chunks_s=1e6, total_s=1e6)


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        assert ready or timeout is not None, "everything waits for something that never comes"
        if not ready and timeout:
            self.now_s += timeout
        return ready


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s


def run(work: Coroutine[Any, Any, Result]) -> Result:
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(work)


class SimulatorClient:
    """Calls a simulator's application without a network; the ``StreamingClient`` of these tests."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self._app = create_app(settings)

    async def stream(self, path: str, body: bytes, on_event: OnEvent, *, deadlines: Deadlines) -> None:
        parser, now = SseParser(), asyncio.get_running_loop().time
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            if waiting:
                return waiting.pop()
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] != 200:
                raise HttpStatusError(f"answered {message['status']}", status=message["status"], server_message="")
            for data in parser.feed(message.get("body", b"")):
                if data != "[DONE]":
                    on_event(now(), data)

        await self._app(_scope("POST", path), receive, send)

    async def read_metrics(self) -> str:
        received = b""

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            nonlocal received
            received += message.get("body", b"")

        await self._app(_scope("GET", "/metrics"), receive, send)
        return received.decode()


def plan_load(workload: Workload, sessions: list[Session] | None = None, **options: Any) -> LoadPlan:
    ids = Vocabulary(range(300, 20000), "test")
    return LoadPlan(
        path=CHAT_PATH if workload.api == "chat" else COMPLETIONS_PATH,
        sessions=sessions
        or build_token_sessions(
            workload, ids, model="qwen3.5", count=workload.num_prompts, purpose="measure", seed=workload.seed
        ),
        send_times_s=schedule_arrivals(workload, seed=workload.seed),
        deadlines=PATIENT,
        deadline_s=1e6,
        max_concurrency=workload.max_concurrency,
        concurrency_ramp_s=workload.concurrency_ramp_s,
        turn_pause_s=workload.turn_pause_s,
        **options,
    )


def measure(settings: SimulatorSettings, workload: Workload, sessions: list[Session] | None = None) -> LoadOutcome:
    """Run the workload against a simulator of these settings."""
    outcome, _ = measure_with_metrics(settings, workload, sessions)
    return outcome


def measure_with_metrics(
    settings: SimulatorSettings, workload: Workload, sessions: list[Session] | None = None
) -> tuple[LoadOutcome, str]:
    """The same, and what the simulator's ``/metrics`` says afterwards."""

    async def work() -> tuple[LoadOutcome, str]:
        client = SimulatorClient(settings)
        plan = plan_load(workload, sessions)
        outcome = await generate_load(client, plan, stop=asyncio.Event(), progress=lambda _: None)
        return outcome, await client.read_metrics()

    return run(work())


def _scope(method: str, path: str) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", b"application/json"), (b"host", b"simulator")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
