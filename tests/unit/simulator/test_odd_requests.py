"""Requests with one part of another shape: refused as vLLM refuses them, never an error of the server."""

import copy
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from qwen_infra.simulator import INSTANT, SimulatorSettings
from tests.unit.simulator.conftest import LiveServer

SCHEMA = {"type": "object", "properties": {"x": {"type": "string", "enum": ["a"]}, "n": {"type": "array"}}}
FUNCTION = {"name": "f", "parameters": SCHEMA}
CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
REQUESTS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {
        "model": "qwen3.5",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "hi"}]},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "a", "content": "3"},
        ],
        "max_tokens": 5,
        "stop": ["a"],
        "tools": [{"type": "function", "function": FUNCTION}],
        "tool_choice": "auto",
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}},
        "logprobs": True,
        "top_logprobs": 2,
    },
    "/v1/completions": {"model": "qwen3.5", "prompt": "hello", "max_tokens": 4, "logprobs": 1},
    "/v1/responses": {
        "model": "qwen3.5",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
        "max_output_tokens": 5,
        "tools": [{"type": "function", **FUNCTION}],
    },
    "/v1/messages": {
        "model": "qwen3.5",
        "max_tokens": 5,
        "system": [{"type": "text", "text": "short"}],
        "messages": [{"role": "user", "content": [{"type": "tool_result", "content": [{"text": "3"}]}]}],
        "tools": [{"name": "f", "input_schema": SCHEMA}],
        "tool_choice": {"type": "auto"},
    },
    "/tokenize": {"model": "qwen3.5", "prompt": "hi"},
}
ODD: tuple[Any, ...] = (None, "x", -1, {}, [], [None], {"type": "function"}, "9" * 30, "\ud800")


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with (
        LiveServer(SimulatorSettings(profile=INSTANT)) as server,
        httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client,
    ):
        yield client


def places(value: Any, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """The way to each part of a request."""
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, *path, key)


def put(request: dict[str, Any], path: tuple[str | int, ...], odd: Any) -> Any:
    if not path:
        return odd
    changed: Any = copy.deepcopy(request)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = odd
    return changed


@pytest.mark.parametrize("path", REQUESTS)
def test_a_part_of_another_shape_is_answered_or_refused(path: str, http: httpx.Client) -> None:
    def ask(text: str) -> int:
        return http.post(
            path, content=text, headers={"Content-Type": "application/json", "Connection": "close"}
        ).status_code

    texts = [json.dumps(put(REQUESTS[path], place, odd)) for place in places(REQUESTS[path]) for odd in ODD]
    with ThreadPoolExecutor(16) as threads:
        answered = dict(zip(texts, threads.map(ask, texts), strict=True))
    assert {text: status for text, status in answered.items() if status not in {200, 400, 404}} == {}


LONG = {"type": "string", "minLength": 10**12}
MANY = {"type": "array", "minItems": 10**12}
NESTED = {"type": "array", "minItems": 900, "items": {"type": "array", "minItems": 900, "items": {"type": "array"}}}


@pytest.mark.parametrize("part", [LONG, MANY, NESTED], ids=["long text", "many items", "items of items"])
def test_a_schema_cannot_ask_for_more_than_fits_into_memory(part: dict[str, Any], http: httpx.Client) -> None:
    schema = {"type": "object", "properties": {"n": part}}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    body = {"model": "qwen3.5", "messages": [{"role": "user", "content": "hi"}], "response_format": form}
    assert http.post("/v1/chat/completions", json=body).status_code in {200, 400}


def test_more_alternatives_than_vllm_gives_are_refused(http: httpx.Client) -> None:
    body = {"model": "qwen3.5", "prompt": "hello", "logprobs": 21}
    refused = http.post("/v1/completions", json=body)
    assert refused.status_code == 400
    assert "greater than max allowed: 20" in refused.text
