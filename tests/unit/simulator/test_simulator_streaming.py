"""A machine that cannot keep up: tokens are merged into fewer events, and nothing is lost."""

import json

import httpx
import pytest

from qwen_infra.simulator import SimulatorSettings, create_app

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def late_http(monkeypatch):
    """A simulator whose every token is overdue."""
    monkeypatch.setattr("qwen_infra.simulator.engine.LATE_S", -1.0)
    app = create_app(SimulatorSettings(time_scale=1e-9))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://simulator") as http:
        yield http


async def read_events(http, path, body):
    response = await http.post(path, json={**body, "stream": True, "stream_options": {"include_usage": True}})
    lines = [line for line in response.text.splitlines() if line]
    assert lines.pop() == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines]


async def test_a_merged_completion_has_fewer_events_than_tokens_and_all_its_text(late_http):
    body = {"prompt": "Hello", "max_tokens": 500, "ignore_eos": True}
    whole = (await late_http.post("/v1/completions", json=body)).json()["choices"][0]["text"]
    *events, last = await read_events(late_http, "/v1/completions", body)
    assert last["usage"]["completion_tokens"] == 500
    assert len(events) < 250
    assert "".join(event["choices"][0]["text"] for event in events) == whole


async def test_a_merged_chat_keeps_reasoning_and_content_apart(late_http):
    body = {"messages": [{"role": "user", "content": "What is 17 + 25? Only the number."}]}
    whole = (await late_http.post("/v1/chat/completions", json=body)).json()["choices"][0]["message"]
    *events, _ = await read_events(late_http, "/v1/chat/completions", body)
    deltas = [event["choices"][0]["delta"] for event in events]
    assert len(deltas) < 10
    assert "".join(delta.get("reasoning", "") for delta in deltas) == whole["reasoning"]
    assert "".join(delta.get("content", "") for delta in deltas) == whole["content"]


async def test_a_merged_tool_call_is_whole(late_http, api):
    body = {"messages": [{"role": "user", "content": "Weather in Paris?"}], "tools": [api.weather]}
    *events, _ = await read_events(late_http, "/v1/chat/completions", body)
    calls = [call for event in events for call in event["choices"][0]["delta"].get("tool_calls", ())]
    assert [call["function"]["name"] for call in calls if "name" in call["function"]] == ["get_weather"]
    arguments = "".join(call["function"].get("arguments", "") for call in calls)
    assert json.loads(arguments) == {"city": "Paris"}
    assert events[-1]["choices"][0]["finish_reason"] == "tool_calls"
