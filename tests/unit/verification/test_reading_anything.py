"""Whatever a server sends, the readers of the three protocols give an answer or one clear failure, never a traceback.

The values are made from right answers in which anything may be another thing, and from nothing at all.
"""

import asyncio
import copy
import json
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_infra.client import EndpointError, SseParser, parse_event
from qwen_infra.client.chunk import parse_body
from qwen_infra.errors import CheckFailedError
from qwen_infra.verification.answer import Answer
from qwen_infra.verification.cases.models_listed import find_card
from qwen_infra.verification.dialect import CHAT, MESSAGES, RESPONSES, Dialect
from qwen_infra.verification.expectations import (
    answers_in_chinese,
    calls,
    calls_nothing,
    counts_thinking,
    counts_tokens,
    has_logprobs,
    holds_json,
    is_one_of,
    says,
    stops_before,
    thinks,
    thinks_not,
    was_cut_at,
)

EXPECTATIONS = (
    answers_in_chinese,
    calls({"city": "Berlin"}),
    calls_nothing,
    counts_thinking,
    counts_tokens,
    has_logprobs(3),
    holds_json({"city": "Paris"}),
    is_one_of(["a", "b"], "a"),
    says("42"),
    stops_before("5", after="4"),
    thinks,
    thinks_not,
    was_cut_at(8),
)
DIALECTS = [CHAT, RESPONSES, MESSAGES]
_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
USAGE = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
RESPONSE_USAGE = {"input_tokens": 3, "output_tokens": 5, "total_tokens": 8}
CALL = {
    "index": 0,
    "id": "c",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city": "Berlin"}'},
}
LOGPROBS = {"content": [{"token": "42", "logprob": -0.1, "top_logprobs": [{"token": "42", "logprob": -0.1}]}]}
WHOLE: dict[str, Any] = {
    CHAT.path: {
        "id": "chatcmpl-1",
        "choices": [
            {
                "message": {"role": "assistant", "content": "42", "reasoning": "Hm.", "tool_calls": [CALL]},
                "finish_reason": "stop",
                "logprobs": LOGPROBS,
            }
        ],
        "usage": {**USAGE, "completion_tokens_details": {"reasoning_tokens": 2}},
    },
    RESPONSES.path: {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "output": [
            {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "Hm."}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "42"}]},
            {"type": "function_call", "call_id": "c", "name": "get_weather", "arguments": "{}"},
        ],
        "usage": RESPONSE_USAGE,
    },
    MESSAGES.path: {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "Hm."},
            {"type": "text", "text": "42"},
            {"type": "tool_use", "id": "c", "name": "get_weather", "input": {"city": "Berlin"}},
        ],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 3, "output_tokens": 5},
    },
}
STREAMED: dict[str, list[dict[str, Any]]] = {
    CHAT.path: [
        {"id": "a", "object": "chat.completion.chunk", "choices": [{"delta": delta, "finish_reason": reason}]}
        for delta, reason in (
            ({"role": "assistant"}, None),
            ({"reasoning": "Hm."}, None),
            ({"content": "42"}, None),
            ({"tool_calls": [CALL]}, None),
            ({}, "stop"),
        )
    ]
    + [{"id": "a", "object": "chat.completion.chunk", "choices": [], "usage": USAGE}],
    RESPONSES.path: [
        {"type": "response.created", "sequence_number": 0, "response": {"id": "r"}},
        {"type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": {"type": "message"}},
        {"type": "response.output_text.delta", "sequence_number": 2, "output_index": 0, "delta": "42"},
        {"type": "response.completed", "sequence_number": 3, "response": WHOLE[RESPONSES.path]},
    ],
    MESSAGES.path: [
        {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 3, "output_tokens": 0}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "42"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ],
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, inner in items for place in places(inner, (*path, key)))]


def put(value: Any, path: tuple[Any, ...], found: Any) -> Any:
    if not path:
        return found
    changed = copy.deepcopy(value)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = found
    return changed


def damaged(value: Any) -> st.SearchStrategy[Any]:
    """The value with something else in one or two of its places."""

    def once(whole: Any) -> st.SearchStrategy[Any]:
        return st.tuples(st.sampled_from(places(whole)), _values).map(lambda pair: put(whole, *pair))

    return once(value) | once(value).flatmap(once)


def attempt(act: Callable[[], Any]) -> tuple[Any, str]:
    """What came of it, and why nothing did; any other error than ours is the test's failure."""
    try:
        return act(), ""
    except (CheckFailedError, EndpointError) as error:
        return None, error.what


def judge(read: Callable[[], Answer]) -> None:
    """An answer that every expectation can look at, or one clear failure."""
    answer, failure = attempt(read)
    if answer is None:
        assert failure
        assert "\n" not in failure
        return
    assert answer.quote()
    for expect in EXPECTATIONS:
        attempt(partial(expect, answer))


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.path)
@given(data=st.data())
def test_any_whole_answer_is_read_or_refused(dialect: Dialect, data: st.DataObject) -> None:
    payload = data.draw(_values | damaged(WHOLE[dialect.path]))
    judge(lambda: dialect.read(payload, max_tokens=100))


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.path)
@given(data=st.data())
def test_any_stream_is_read_or_refused(dialect: Dialect, data: st.DataObject) -> None:
    events = data.draw(damaged(STREAMED[dialect.path]) | st.permutations(STREAMED[dialect.path]))

    def read() -> Answer:
        reader = dialect.make_stream(max_tokens=100)
        for event in events if isinstance(events, list) else [events]:
            if reader.take(parse_event(json.dumps(event))):
                break
        return reader.finish()

    judge(read)


@given(data=st.data())
def test_any_bytes_cut_anywhere_are_events_or_one_failure(data: st.DataObject) -> None:
    """Events of a right stream, its bytes replaced here and there, and cut into pieces as a network may."""
    lines = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in STREAMED[CHAT.path])
    sent = bytearray(lines + b"data: [DONE]\n\n")
    for place in data.draw(st.lists(st.integers(0, len(sent) - 1), max_size=6)):
        sent[place] = data.draw(st.integers(0, 255))
    cuts = sorted({0, len(sent), *data.draw(st.lists(st.integers(0, len(sent)), max_size=8))})

    def read() -> Answer:
        parser, reader = SseParser(), CHAT.make_stream(max_tokens=100)
        for begin, end in pairwise(cuts):
            for event in parser.feed(bytes(sent[begin:end])):
                if event != "[DONE]":
                    reader.take(parse_event(event))
        return reader.finish()

    judge(read)


@settings(max_examples=50)
@given(
    st.sampled_from([b"[", b'{"a":', b"[[{}", b'{"choices":[', b"<html>", b"\xff\xfe", b"1e999", b'"\\ud800"', b"NaN"]),
    st.integers(1, 20_000),
)
def test_deep_nested_and_strange_json_is_a_value_or_one_failure(piece: bytes, times: int) -> None:
    judge(lambda: CHAT.read(parse_body(piece * times, source="POST /x"), max_tokens=100))
    judge(lambda: _read_event((piece * times).decode("utf-8", "replace")))


def _read_event(text: str) -> Answer:
    reader = CHAT.make_stream(max_tokens=100)
    reader.take(parse_event(text))
    return reader.finish()


@given(payload=_values | damaged({"object": "list", "data": [{"id": "m", "root": "/m", "max_model_len": 8}]}))
def test_any_list_of_models_has_the_model_or_is_refused(payload: Any) -> None:
    async def get_json(_: str) -> Any:
        return SimpleNamespace(payload=payload, request_id=None)

    context: Any = SimpleNamespace(
        client=SimpleNamespace(get_json=get_json), endpoint=SimpleNamespace(model="m"), request_id=None
    )
    card, failure = attempt(lambda: asyncio.run(find_card(context)))
    assert failure or str(card["id"]) == "m"
