"""One recorded set of requests, and the shape of what a server answers: status, media type, keys, types, event order.

A shape holds no words, numbers or ids, so that two servers with different models can be compared.
"""

import json
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import httpx

from qwen_infra.verification.conversation import (
    ANSWER_AFTER_RESULT,
    CITY_SCHEMA,
    COUNT,
    JSON_CITY,
    SYSTEM_ORDER,
    WEATHER_BOTH,
)
from qwen_infra.verification.messages import to_messages_request

__all__ = ["EXCHANGES", "Exchange", "read_shape"]

Body = dict[str, Any]

MODEL = "qwen3.5"
SUM: list[Body] = [{"role": "user", "content": "What is 17 + 25? Answer with the number only."}]
BERLIN: list[Body] = [{"role": "user", "content": "What is the weather in Berlin?"}]
BOTH: list[Body] = WEATHER_BOTH["messages"]
RESULT: list[Body] = ANSWER_AFTER_RESULT["messages"]
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["Berlin", "Paris"]}},
    "required": ["city"],
}
WEATHER = {"name": "get_weather", "description": "Weather of a city"}
CHAT_TOOLS = [{"type": "function", "function": {**WEATHER, "parameters": PARAMETERS}}]
RESPONSE_TOOLS = [{"type": "function", **WEATHER, "parameters": PARAMETERS}]
MESSAGE_TOOLS = [{**WEATHER, "input_schema": PARAMETERS}]
NAMED: Body = {"tool_choice": {"type": "function", "function": {"name": "get_weather"}}}
BY_SCHEMA: Body = {"response_format": {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY_SCHEMA}}}
OFF: Body = {"chat_template_kwargs": {"enable_thinking": False}}
STREAM: Body = {"stream": True}
STREAM_USAGE: Body = {"stream": True, "stream_options": {"include_usage": True}}
CHAT, COMPLETION, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages"


@dataclass(frozen=True)
class Exchange:
    """A request; ``body`` None is a GET."""

    id: str
    path: str
    body: Body | None = None
    key: bool = True


def _chat(id_: str, messages: list[Body] = SUM, **more: Any) -> Exchange:
    return Exchange(id_, CHAT, {"model": MODEL, "messages": messages, "max_tokens": 200, "temperature": 0, **more})


def _complete(id_: str, **more: Any) -> Exchange:
    body = {"model": MODEL, "prompt": "Hello", "max_tokens": 4, "ignore_eos": True, "temperature": 0}
    return Exchange(id_, COMPLETION, {**body, **more})


def _respond(id_: str, text: str = SUM[0]["content"], **more: Any) -> Exchange:
    return Exchange(id_, RESPONSES, {"model": MODEL, "input": text, "max_output_tokens": 200, "temperature": 0, **more})


def _message(id_: str, messages: list[Body] = SUM, **more: Any) -> Exchange:
    return Exchange(id_, MESSAGES, {"model": MODEL, "messages": messages, "max_tokens": 200, "temperature": 0, **more})


EXCHANGES = (
    Exchange("models", "/v1/models"),
    Exchange("no-key", "/v1/models", key=False),
    Exchange("unknown-path", "/v1/nothing"),
    Exchange("wrong-method", CHAT),
    Exchange("tokenize", "/tokenize", {"model": MODEL, "prompt": "Hello"}),
    _chat("chat"),
    _chat("chat-off", **OFF),
    _chat("chat-stream", **STREAM),
    _chat("chat-stream-usage", **STREAM_USAGE),
    _chat("chat-off-stream", **OFF, **STREAM),
    _chat("chat-logprobs", **OFF, logprobs=True, top_logprobs=2),
    _chat("chat-cut", max_tokens=2),
    _chat("chat-tools", BERLIN, tools=CHAT_TOOLS),
    _chat("chat-tools-stream", BERLIN, tools=CHAT_TOOLS, **STREAM_USAGE),
    _chat("chat-tools-off-stream", BERLIN, tools=CHAT_TOOLS, **OFF, **STREAM),
    _chat("chat-tools-required", BERLIN, tools=CHAT_TOOLS, tool_choice="required", **OFF),
    _chat("chat-tools-required-stream", BERLIN, tools=CHAT_TOOLS, tool_choice="required", **STREAM_USAGE),
    _chat("chat-tools-named", BERLIN, tools=CHAT_TOOLS, **NAMED),
    _chat("chat-tools-named-stream", BERLIN, tools=CHAT_TOOLS, **NAMED, **STREAM),
    _chat("chat-tools-parallel", BOTH, tools=CHAT_TOOLS),
    _chat("chat-tools-parallel-stream", BOTH, tools=CHAT_TOOLS, **STREAM),
    _chat("chat-tools-result", RESULT, tools=CHAT_TOOLS),
    _chat("chat-tools-result-stream", RESULT, tools=CHAT_TOOLS, **STREAM),
    _chat("chat-tools-none-stream", SUM, tools=CHAT_TOOLS, tool_choice="none", **OFF, **STREAM),
    _chat("chat-json", JSON_CITY["messages"], **BY_SCHEMA),
    _chat("chat-json-stream", JSON_CITY["messages"], **BY_SCHEMA, **STREAM),
    _chat("chat-stop", COUNT["messages"], stop=["5"], **OFF),
    _chat("chat-stop-stream", COUNT["messages"], stop=["5"], **OFF, **STREAM),
    _chat("unknown-model", model="nobody"),
    _chat("too-long", max_tokens=10_000_000),
    _chat("hot", temperature=3),
    Exchange("no-messages", CHAT, {"model": MODEL, "messages": "none"}),
    _complete("completion"),
    _complete("completion-stream", **STREAM_USAGE),
    _complete("completion-empty", prompt=""),
    _complete("completion-too-long", max_tokens=10_000_000),
    _respond("responses"),
    _respond("responses-stream", **STREAM),
    _respond("responses-tools", BERLIN[0]["content"], tools=RESPONSE_TOOLS),
    _respond("responses-tools-stream", BERLIN[0]["content"], tools=RESPONSE_TOOLS, **STREAM),
    _respond("responses-cut", max_output_tokens=2),
    _respond("responses-system", "Good morning.", instructions=SYSTEM_ORDER["messages"][0]["content"]),
    _respond("responses-too-long", max_output_tokens=10_000_000),
    _message("messages"),
    _message("messages-stream", **STREAM),
    _message("messages-tools", BERLIN, tools=MESSAGE_TOOLS),
    _message("messages-tools-stream", BERLIN, tools=MESSAGE_TOOLS, **STREAM),
    _message("messages-cut", max_tokens=2),
    _message("messages-system", SYSTEM_ORDER["messages"][1:], system=SYSTEM_ORDER["messages"][0]["content"]),
    _message("messages-result", to_messages_request(ANSWER_AFTER_RESULT)["messages"], tools=MESSAGE_TOOLS),
    _message("messages-too-long", max_tokens=10_000_000),
    _message("messages-unknown-model", model="nobody"),
    Exchange("count-tokens", f"{MESSAGES}/count_tokens", {"model": MODEL, "messages": SUM}),
)


def read_shape(url: str, key: str, exchange: Exchange) -> Body:
    """Status, media type, and the shape of the body or the order of the events' shapes, repeats left out."""
    headers = {"Authorization": f"Bearer {key}"} if exchange.key else {}
    with httpx.Client(trust_env=False, timeout=300, headers=headers) as client:
        method = "GET" if exchange.body is None else "POST"
        answer = client.request(method, f"{url}{exchange.path}", json=exchange.body)
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    is_stream = media_type == "text/event-stream"
    content = _shapes_of_events(answer.text) if is_stream else _shape(json.loads(answer.text))
    return {"status": answer.status_code, "media_type": media_type, "content": content}


def _shapes_of_events(text: str) -> list[Any]:
    shapes = [_shape_of_event(event) for event in text.split("\n\n") if event.strip()]
    return [shape for shape, _ in groupby(shapes)]


def _shape_of_event(text: str) -> Any:
    lines = [line.partition(": ") for line in text.splitlines()]
    fields = {name: value for name, _, value in lines}
    data = fields.pop("data")
    return {**fields, "data": data if data == "[DONE]" else _shape(json.loads(data))}


def _shape(value: Any) -> Any:
    """Keys with the types of their values; of a list those of its entries, repeats left out; a ``type`` itself."""
    if isinstance(value, dict):
        return {key: entry if key in ("type", "object", "role") else _shape(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [shape for shape, _ in groupby(map(_shape, value))]
    return "number" if type(value) in (int, float) else type(value).__name__
