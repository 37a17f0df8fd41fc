"""The start-up time, and settings that only show at a start."""

import httpx
import pytest
from starlette.applications import Starlette

from qwen_infra.simulator import INSTANT, SimulatorSettings, create_app

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


def connect(app: Starlette) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://simulator")


@pytest.mark.parametrize("path", ["/health", "/ping", "/v1/models"])
async def test_a_starting_server_says_503(path):
    async with connect(create_app(SimulatorSettings(startup_s=3600))) as http:
        assert (await http.get(path)).status_code == 503


async def test_a_starting_server_still_wants_its_key():
    async with connect(create_app(SimulatorSettings(startup_s=3600, api_key="k"))) as http:
        assert (await http.get("/v1/models")).status_code == 401


async def test_a_server_wide_default_turns_thinking_off():
    app = create_app(SimulatorSettings(profile=INSTANT, thinks_by_default=False, default_enable_thinking=False))
    async with connect(app) as http:
        body = {"messages": [{"role": "user", "content": "Say 'pong'"}]}
        message = (await http.post("/v1/chat/completions", json=body)).json()["choices"][0]["message"]
    assert (message["reasoning"], message["content"]) == (None, "pong")


async def test_a_request_overrides_the_server_wide_default():
    app = create_app(SimulatorSettings(profile=INSTANT, default_enable_thinking=False))
    async with connect(app) as http:
        kwargs = {"enable_thinking": True}
        body = {"messages": [{"role": "user", "content": "Hi"}], "chat_template_kwargs": kwargs}
        message = (await http.post("/v1/chat/completions", json=body)).json()["choices"][0]["message"]
    assert message["reasoning"]


async def test_a_fault_can_be_active_from_the_start():
    async with connect(create_app(SimulatorSettings(profile=INSTANT, faults=("server-error",)))) as http:
        assert (await http.post("/v1/completions", json={"prompt": "Hi"})).status_code == 500


async def test_a_time_scale_shortens_every_time():
    app = create_app(SimulatorSettings(time_scale=0.01))
    async with connect(app) as http:
        await http.post("/v1/completions", json={"prompt": "Hi", "max_tokens": 3})
        metrics = (await http.get("/metrics")).text.splitlines()
    (line,) = [row for row in metrics if row.startswith("vllm:e2e_request_latency_seconds_sum")]
    assert 0 < float(line.rsplit(" ", 1)[1]) < 0.01
