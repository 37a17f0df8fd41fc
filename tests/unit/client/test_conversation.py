"""A conversation as ``qwen-infra chat`` has it: thinking apart, turns remembered, a broken answer forgotten."""

import asyncio
import json
from typing import Any

import pytest

from qwen_infra.client import Endpoint, EndpointError, InferenceClient
from qwen_infra.client.conversation import Conversation, Turn
from tests.unit.client.scripted_server import DONE, EVENT_STREAM, serve_bytes

USAGE = {"choices": [], "usage": {"completion_tokens": 7}}


def event(finish: str | None = None, **delta: str) -> dict[str, Any]:
    return {"choices": [{"delta": delta, "finish_reason": finish}]}


def stream(*found: dict[str, Any]) -> list[bytes]:
    return [EVENT_STREAM, *(b"data: " + json.dumps(item).encode() + b"\n\n" for item in found)]


async def ask(url: str, shown: list[tuple[str, str]], **options: Any) -> tuple[Turn, Conversation]:
    async with InferenceClient(Endpoint(url=url, model="m")) as client:
        conversation = Conversation(client, **options)
        turn = await conversation.ask("hi", lambda part, piece: shown.append((part, piece)))
        return turn, conversation


def test_thinking_and_answer_come_apart_and_only_the_answer_is_remembered():
    shown: list[tuple[str, str]] = []
    with serve_bytes(*stream(event(reasoning="Hm."), event("stop", content="Hello."), USAGE), DONE) as url:
        turn, conversation = asyncio.run(ask(url, shown))

    assert shown == [("thinking", "Hm."), ("answer", "Hello.")]
    assert (turn.finish_reason, turn.output_tokens) == ("stop", 7)
    assert conversation.messages == [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "Hello."},
    ]


@pytest.mark.parametrize(
    "odd",
    [
        {"choices": {}},
        {"choices": [None, 3, {"delta": []}, {"delta": {"content": None}}]},
        {"choices": None, "usage": {"completion_tokens": "7"}},
        {"choices": [{"delta": {"content": ""}, "finish_reason": None}], "usage": []},
    ],
)
def test_an_event_of_another_shape_adds_nothing(odd: dict[str, Any]):
    shown: list[tuple[str, str]] = []
    with serve_bytes(*stream(odd, event("stop", content="Hello.")), DONE) as url:
        turn, _ = asyncio.run(ask(url, shown))
    assert shown == [("answer", "Hello.")]
    assert (turn.finish_reason, turn.output_tokens) == ("stop", None)


def test_half_a_character_can_be_shown_all_the_same():
    shown: list[tuple[str, str]] = []
    with serve_bytes(*stream(event(content="a\ud800b")), DONE) as url:
        asyncio.run(ask(url, shown))
    assert shown == [("answer", "a?b")]


def test_an_answer_that_breaks_off_is_an_error():
    with serve_bytes(*stream(event(content="Hel"))) as url, pytest.raises(EndpointError):
        asyncio.run(ask(url, []))


def test_thinking_is_left_to_the_server_unless_it_is_switched_off():
    client = InferenceClient(Endpoint(url="http://127.0.0.1:1", model="m"))

    assert "chat_template_kwargs" not in Conversation(client)._body([])
    assert Conversation(client, thinks=False)._body([])["chat_template_kwargs"] == {"enable_thinking": False}
