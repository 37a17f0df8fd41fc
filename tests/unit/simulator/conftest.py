"""Real simulators on free ports, in threads of the test process, and a small client that speaks to them."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any, ClassVar

import httpx
import pytest
import uvicorn

from qwen_infra.simulator import INSTANT, SimulatorSettings, TimingProfile, create_app


class LiveServer:
    """One uvicorn in a thread; ``url`` is where it listens."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(512)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        config = uvicorn.Config(create_app(settings), log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True)

    def __enter__(self) -> "LiveServer":
        self._thread.start()
        deadline = time.monotonic() + 120
        while not self._server.started:
            assert time.monotonic() < deadline, "the simulator did not start"
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=120)
        self._listener.close()


class Api:
    """Requests to one simulator; ``http`` is the plain client."""

    sum_question = "What is 17 + 25? Answer with the number only."
    weather: ClassVar[dict[str, Any]] = {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Weather of a city",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string", "enum": ["Berlin", "Paris"]}},
                "required": ["city"],
            },
        },
    }

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def say(self, text: object, **options: Any) -> dict[str, Any]:
        return {"model": "qwen3.5", "messages": [{"role": "user", "content": text}], **options}

    def post_chat(self, text: object, **options: Any) -> httpx.Response:
        return self.http.post("/v1/chat/completions", json=self.say(text, **options))

    def chat(self, text: object, **options: Any) -> dict[str, Any]:
        response = self.post_chat(text, **options)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def message(self, text: object, *, thinking: bool = True, **options: Any) -> dict[str, Any]:
        kwargs = {"enable_thinking": thinking}
        return dict(self.chat(text, chat_template_kwargs=kwargs, **options)["choices"][0]["message"])

    def events(self, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        with self.http.stream("POST", path, json={**body, "stream": True}) as response:
            assert response.status_code == 200, response.read()
            assert response.headers["content-type"].startswith("text/event-stream")
            lines = [line for line in response.iter_lines() if line]
        assert lines[-1] == "data: [DONE]"
        return [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]

    def chat_events(self, text: str, **options: Any) -> list[dict[str, Any]]:
        return self.events("/v1/chat/completions", self.say(text, **options))

    def chat_deltas(self, text: str, **options: Any) -> list[dict[str, Any]]:
        return [event["choices"][0]["delta"] for event in self.chat_events(text, **options) if event["choices"]]

    def complete(self, prompt: object, **options: Any) -> dict[str, Any]:
        response = self.http.post("/v1/completions", json={"model": "qwen3.5", "prompt": prompt, **options})
        assert response.status_code == 200, response.text
        return dict(response.json())

    def set_faults(self, *names: str) -> None:
        self.http.post("/simulator/faults", json={"faults": list(names)}).raise_for_status()

    def read_metric(self, name: str) -> float:
        lines = self.http.get("/metrics").text.splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.split("{")[0] == name)

    def wait_until_metric_is(self, name: str, value: float) -> None:
        deadline = time.monotonic() + 120
        while self.read_metric(name) != value:
            assert time.monotonic() < deadline, f"{name} is {self.read_metric(name)}, not {value}"
            time.sleep(0.01)


def serve(settings: SimulatorSettings) -> Iterator[Api]:
    with LiveServer(settings) as server, httpx.Client(base_url=server.url, timeout=120, trust_env=False) as http:
        yield Api(http)


@pytest.fixture(scope="session")
def instant_api() -> Iterator[Api]:
    yield from serve(SimulatorSettings(profile=INSTANT, max_model_len=4096, model_root="/models/qwen"))


@pytest.fixture
def api(instant_api: Api) -> Iterator[Api]:
    """A simulator without waiting and without a key, all faults off."""
    instant_api.set_faults()
    yield instant_api
    instant_api.set_faults()


@pytest.fixture(scope="session")
def guarded_session_api() -> Iterator[Api]:
    yield from serve(SimulatorSettings(profile=INSTANT, api_key="sk-test"))


@pytest.fixture
def guarded_api(guarded_session_api: Api) -> Iterator[Api]:
    """A simulator that wants the key ``sk-test``, which this client does not send."""
    guarded_session_api.set_faults()
    yield guarded_session_api
    guarded_session_api.set_faults()


@pytest.fixture(scope="session")
def unthinking_api() -> Iterator[Api]:
    """A simulator that behaves as the 0.8B and 2B models do."""
    yield from serve(SimulatorSettings(profile=INSTANT, thinks_by_default=False))


@pytest.fixture(scope="session")
def text_only_api() -> Iterator[Api]:
    """A simulator with ``--language-model-only``."""
    yield from serve(SimulatorSettings(profile=INSTANT, text_only=True))


@pytest.fixture
def paced_api() -> Iterator[Api]:
    """A simulator with 5 ms per token, so that a request can be met while it runs."""
    profile = TimingProfile.model_validate(
        {"name": "paced", "prefill": {"base_ms": 10}, "decode": {"base_ms": 5}, "max_num_seqs": 4}
    )
    yield from serve(SimulatorSettings(profile=profile))
