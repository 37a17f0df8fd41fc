"""/v1/messages and its count_tokens: Anthropic's protocol over the same chat, converted as vLLM 0.32 converts it.

Source: vllm/entrypoints/anthropic/serving.py. Its stream is the chat stream told anew: blocks that start, grow, stop.
"""

import json
import uuid
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from qwen_infra.simulator.api_errors import ApiError, answer_error, odd_shapes_refused
from qwen_infra.simulator.chat import Chat, build_body, make_call_id, prepare_chat
from qwen_infra.simulator.generation import Piece
from qwen_infra.simulator.middleware import ARRIVED_KEY
from qwen_infra.simulator.protocol import ChatRequest
from qwen_infra.simulator.request_checks import parse_request
from qwen_infra.simulator.simulation import Simulation
from qwen_infra.simulator.streaming import Answer, respond_with_body, respond_with_stream
from qwen_infra.simulator.wire import make_named_event

__all__ = ["answer_message", "count_message_tokens"]

_BLOCKS = {"reasoning": "thinking", "content": "text", "call": "tool_use", "arguments": "tool_use"}
_STOP_REASONS = {"length": "max_tokens", "tool_calls": "tool_use"}


class _Tool(BaseModel):
    name: str
    description: str | None = None
    input_schema: dict[str, Any]


class _ToolChoice(BaseModel):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class _Thinking(BaseModel):
    type: Literal["enabled", "disabled", "adaptive"]


class _CountRequest(BaseModel):
    model_config = ConfigDict(extra="ignore")

    model: str
    messages: list[dict[str, Any]]
    system: str | list[dict[str, Any]] | None = None
    tools: list[_Tool] | None = None
    tool_choice: _ToolChoice | None = None
    thinking: _Thinking | None = None
    chat_template_kwargs: dict[str, Any] | None = None


class _MessagesRequest(_CountRequest):
    max_tokens: int = Field(gt=0)
    stream: bool | None = False
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None


async def answer_message(request: Request, simulation: Simulation) -> Response:
    """The response to one request for a message."""
    body = await parse_request(request, _MessagesRequest)
    try:
        chat = prepare_chat(simulation, _to_chat(body))
    except ApiError as error:
        return _as_anthropic(error)
    answers = [Answer(chat.prompt_ids, chat.plan, request.scope[ARRIVED_KEY])]
    if body.stream:
        writer = _MessageWriter(chat)
        end = make_named_event({"type": "message_stop"})
        return respond_with_stream(simulation, answers, [writer], writer.close, lambda: end)
    return await respond_with_body(request, simulation, answers, lambda: _build_message(chat))


async def count_message_tokens(request: Request, simulation: Simulation) -> Response:
    """How many tokens a request for a message would have."""
    body = await parse_request(request, _CountRequest)
    try:
        count = len(prepare_chat(simulation, _to_chat(body)).prompt_ids)
    except ApiError as error:
        return _as_anthropic(error)
    return JSONResponse({"input_tokens": count, "context_management": {"original_input_tokens": count}})


def _as_anthropic(error: ApiError) -> Response:
    told = error.body["error"]
    return answer_error({"type": "error", "error": {"type": told["type"], "message": told["message"]}}, error.status)


def _to_chat(body: _CountRequest) -> ChatRequest:
    with odd_shapes_refused("1 validation error"):
        return ChatRequest.model_validate(_translate(body))


def _translate(body: _CountRequest) -> dict[str, Any]:
    chat: dict[str, Any] = {
        "model": body.model,
        "messages": [*_system_of(body), *(each for message in body.messages for each in _to_messages(message))],
        "chat_template_kwargs": body.chat_template_kwargs,
    }
    if body.thinking is not None and body.thinking.type == "disabled":
        chat["reasoning_effort"] = "none"
    if body.tools:
        chat["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.input_schema},
            }
            for tool in body.tools
        ]
        chat["tool_choice"] = _to_tool_choice(body.tool_choice)
        chat["parallel_tool_calls"] = not (body.tool_choice and body.tool_choice.disable_parallel_tool_use)
    if isinstance(body, _MessagesRequest):
        chat |= {"max_tokens": body.max_tokens, "stop": body.stop_sequences, "temperature": body.temperature}
        if body.stream:
            chat |= {"stream": True, "stream_options": {"include_usage": True, "continuous_usage_stats": True}}
    return chat


def _system_of(body: _CountRequest) -> list[dict[str, Any]]:
    if not body.system:
        return []
    if isinstance(body.system, str):
        return [{"role": "system", "content": body.system}]
    return [{"role": "system", "content": "\n".join(str(block.get("text", "")) for block in body.system)}]


def _to_tool_choice(choice: _ToolChoice | None) -> str | dict[str, Any]:
    if choice is None:
        return "auto"
    if choice.type == "tool":
        return {"type": "function", "function": {"name": choice.name}}
    return {"auto": "auto", "any": "required", "none": "none"}[choice.type]


def _to_messages(message: dict[str, Any]) -> list[dict[str, Any]]:
    role, content = message.get("role", "user"), message.get("content")
    if not isinstance(content, list):
        return [{"role": role, "content": content}]
    parts: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for block in content:
        kind = block.get("type")
        if kind == "text":
            parts.append({"type": "text", "text": block.get("text", "")})
        elif kind == "image":
            source = block.get("source") or {}
            url = source.get("url") or f"data:{source.get('media_type', 'image/jpeg')};base64,{source.get('data', '')}"
            parts.append({"type": "image_url", "image_url": {"url": url}})
        elif kind == "tool_use":
            function = {"name": block.get("name", ""), "arguments": json.dumps(block.get("input") or {})}
            calls.append({"id": block.get("id", ""), "type": "function", "function": function})
        elif kind == "tool_result":
            inner = block.get("content") or ""
            text = inner if isinstance(inner, str) else "\n".join(str(each.get("text", "")) for each in inner)
            results.append({"role": "tool", "tool_call_id": block.get("tool_use_id", ""), "content": text})
    if not parts and not calls:
        return results
    return [*results, {"role": role, "content": parts or None, **({"tool_calls": calls} if calls else {})}]


def _read_usage(usage: dict[str, Any] | None) -> dict[str, int]:
    counts = usage or {}
    return {"output_tokens": counts.get("completion_tokens", 0), "input_tokens": counts.get("prompt_tokens", 0)}


def _build_message(chat: Chat) -> dict[str, Any]:
    whole = build_body(chat)
    choice = whole["choices"][0]
    message = choice["message"]
    content: list[dict[str, Any]] = []
    if message["reasoning"]:
        content.append({"type": "thinking", "thinking": message["reasoning"], "signature": uuid.uuid4().hex})
    if message["content"]:
        content.append({"type": "text", "text": message["content"]})
    for call in message.get("tool_calls", ()):
        function = call["function"]
        try:
            arguments = json.loads(function["arguments"])
        except ValueError as error:
            raise ApiError.server(str(error)) from error
        content.append({"type": "tool_use", "id": call["id"], "name": function["name"], "input": arguments})
    reason, sequence = _stop_of(choice["finish_reason"], choice["stop_reason"], is_called="tool_calls" in message)
    body: dict[str, Any] = {
        "id": whole["id"],
        "type": "message",
        "role": "assistant",
        "content": content or [{"type": "text", "text": ""}],
        "model": whole["model"],
        "stop_reason": reason,
        **({"stop_sequence": sequence} if sequence is not None else {}),
    }
    return body | ({"usage": _read_usage(whole["usage"])} if "usage" in whole else {})


def _stop_of(finish_reason: str, stop: str | None, *, is_called: bool) -> tuple[str, str | None]:
    if finish_reason == "length":
        return "max_tokens", None
    if finish_reason == "tool_calls" or is_called:
        return "tool_use", None
    return ("stop_sequence", stop) if stop is not None else ("end_turn", None)


class _MessageWriter:
    """The events of one message."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._index = -1
        self._open: str | None = None
        self._call: int | None = None

    def open(self) -> list[bytes]:
        """The event with the empty message."""
        identity = self._chat.identity
        message: dict[str, Any] = {
            "id": identity.id,
            "type": "message",
            "role": "assistant",
            "content": [],
            "model": identity.model,
            "stop_reason": None,
            "stop_sequence": None,
            "usage": _read_usage(self._chat.make_usage(0)),
        }
        return [make_named_event({"type": "message_start", "message": message})]

    def write(self, start: int, stop: int) -> bytes:
        """The events for these tokens."""
        return b"".join(event for piece in self._chat.plan.take(start, stop) for event in self._tell(piece))

    def close(self) -> list[bytes]:
        """The end of the last block, and the event with the reason and the counts."""
        plan = self._chat.plan
        is_called = plan.count("call") > 0
        reason, sequence = _stop_of(plan.finish_reason, plan.stop_reason, is_called=is_called)
        event: dict[str, Any] = {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": sequence}}
        if self._chat.usage_factor is not None:
            event["usage"] = _read_usage(self._chat.make_usage(len(plan.pieces)))
        return [*self._stop_block(), make_named_event(event)]

    def _tell(self, piece: Piece) -> list[bytes]:
        if not piece.text or not piece.field:
            return []
        kind = _BLOCKS[piece.field]
        events: list[bytes] = []
        if self._open != kind or (piece.field == "call" and self._call != piece.call_index):
            events += [*self._stop_block(), self._start_block(kind, piece)]
        if piece.field != "call":
            events.append(self._delta(_make_delta(kind, piece.text)))
        return events

    def _start_block(self, kind: str, piece: Piece) -> bytes:
        self._index += 1
        self._open, self._call = kind, piece.call_index
        heads: dict[str, dict[str, Any]] = {
            "thinking": {"type": "thinking", "thinking": ""},
            "text": {"type": "text", "text": ""},
            "tool_use": {"type": "tool_use", "id": make_call_id(), "name": piece.text, "input": {}},
        }
        return make_named_event({"type": "content_block_start", "content_block": heads[kind], "index": self._index})

    def _stop_block(self) -> list[bytes]:
        if self._open is None:
            return []
        events = []
        if self._open == "thinking":
            events.append(self._delta({"type": "signature_delta", "signature": uuid.uuid4().hex}))
        self._open = None
        return [*events, make_named_event({"type": "content_block_stop", "index": self._index})]

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return make_named_event({"type": "content_block_delta", "delta": delta, "index": self._index})


def _make_delta(kind: str, text: str) -> dict[str, Any]:
    if kind == "tool_use":
        return {"type": "input_json_delta", "partial_json": text}
    return {"type": f"{kind}_delta", kind: text}
