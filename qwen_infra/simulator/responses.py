"""/v1/responses: OpenAI's newer protocol over the same chat, in vLLM 0.32's shapes and event order.

Source: vllm/entrypoints/openai/responses/{protocol,serving,streaming_events}.py. Nothing is stored: no retrieval by id.
"""

import uuid
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response

from qwen_infra.simulator.api_errors import odd_shapes_refused
from qwen_infra.simulator.chat import Chat, build_body, make_call_id, prepare_chat
from qwen_infra.simulator.generation import Piece
from qwen_infra.simulator.middleware import ARRIVED_KEY
from qwen_infra.simulator.protocol import ChatRequest
from qwen_infra.simulator.request_checks import parse_request
from qwen_infra.simulator.simulation import Simulation
from qwen_infra.simulator.streaming import Answer, respond_with_body, respond_with_stream
from qwen_infra.simulator.wire import make_named_event

__all__ = ["answer_response"]

_UNTOLD = (
    *("incomplete_details", "metadata", "max_tool_calls", "previous_response_id", "prompt", "text", "user", "usage"),
    *("kv_transfer_params", "ec_transfer_params", "input_messages", "output_messages"),
)
"""Keys that vLLM sends as null unless a request sets them."""
_KINDS = {"reasoning": "reasoning", "content": "message", "call": "function_call", "arguments": "function_call"}
_PREFIXES = {"reasoning": "rs", "message": "msg", "function_call": "fc"}


class _Reasoning(BaseModel):
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: str | None = None


class _ResponsesRequest(BaseModel):
    model_config = ConfigDict(extra="ignore")

    model: str | None = None
    input: str | list[dict[str, Any]]
    instructions: str | None = None
    max_output_tokens: int | None = None
    parallel_tool_calls: bool | None = True
    reasoning: _Reasoning | None = None
    stream: bool | None = False
    temperature: float | None = None
    top_p: float | None = None
    tool_choice: Literal["none", "auto", "required"] | dict[str, Any] = "auto"
    tools: list[dict[str, Any]] = []
    chat_template_kwargs: dict[str, Any] | None = None


async def answer_response(request: Request, simulation: Simulation) -> Response:
    """The response to one request."""
    body = await parse_request(request, _ResponsesRequest)
    told = _Told(body, prepare_chat(simulation, _to_chat(body)), simulation.settings.max_model_len)
    answers = [Answer(told.chat.prompt_ids, told.chat.plan, request.scope[ARRIVED_KEY])]
    if body.stream:
        writer = _ResponseWriter(told)
        return respond_with_stream(simulation, answers, [writer], writer.close, writer.end)
    return await respond_with_body(request, simulation, answers, told.build)


def _to_chat(body: _ResponsesRequest) -> ChatRequest:
    with odd_shapes_refused("1 validation error"):
        return ChatRequest.model_validate(_translate(body))


def _translate(body: _ResponsesRequest) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "system", "content": body.instructions}] if body.instructions else []
    items = [{"role": "user", "content": body.input}] if isinstance(body.input, str) else body.input
    messages += [_to_message(item) for item in items]
    chat: dict[str, Any] = {
        "model": body.model,
        "messages": messages,
        "max_tokens": body.max_output_tokens,
        "temperature": body.temperature,
        "top_p": body.top_p,
        "parallel_tool_calls": body.parallel_tool_calls,
        "chat_template_kwargs": body.chat_template_kwargs,
    }
    if body.reasoning is not None and body.reasoning.effort is not None:
        chat["reasoning_effort"] = body.reasoning.effort
    if body.tools:
        keys = ("name", "description", "parameters")
        functions = [{key: tool.get(key) for key in keys} for tool in body.tools]
        chat["tools"] = [{"type": "function", "function": function} for function in functions]
        chat["tool_choice"] = body.tool_choice
        if isinstance(body.tool_choice, dict):
            chat["tool_choice"] = {"type": "function", "function": {"name": body.tool_choice.get("name")}}
    return chat


def _to_message(item: dict[str, Any]) -> dict[str, Any]:
    kind = item.get("type", "message")
    if kind == "function_call_output":
        return {"role": "tool", "tool_call_id": item.get("call_id"), "content": item.get("output")}
    if kind == "function_call":
        function = {"name": item.get("name"), "arguments": item.get("arguments")}
        call = {"id": item.get("call_id"), "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    if kind == "reasoning":
        return {"role": "assistant", "content": ""}
    content = item.get("content")
    if isinstance(content, list):
        content = [_to_part(part) for part in content]
    return {"role": item.get("role", "user"), "content": content}


def _to_part(part: dict[str, Any]) -> dict[str, Any]:
    if part.get("type") == "input_image":
        return {"type": "image_url", "image_url": {"url": part.get("image_url")}}
    return {"type": "text", "text": part.get("text", "")}


class _Told:
    """One response with what its body and its events need."""

    def __init__(self, request: _ResponsesRequest, chat: Chat, max_model_len: int) -> None:
        self.request = request
        self.chat = chat
        self._room = max_model_len - len(chat.prompt_ids)
        self._id = f"resp_{uuid.uuid4().hex}"

    def build(self) -> dict[str, Any]:
        """The whole response."""
        message = build_body(self.chat)["choices"][0]["message"]
        output: list[dict[str, Any]] = []
        if message["reasoning"]:
            output.append(make_reasoning(_make_id("reasoning"), message["reasoning"], None))
        if message["content"]:
            output.append(make_message(_make_id("message"), [make_text(message["content"])], "completed"))
        calls = [(call["id"], call["function"]) for call in message.get("tool_calls", ())]
        output += [make_call(_make_id("function_call"), each, to["name"], to["arguments"]) for each, to in calls]
        return self.with_output(output)

    def begin(self) -> dict[str, Any]:
        """The response before anything was said."""
        return self._head() | {"output": [], "status": "in_progress"}

    def with_output(self, output: list[dict[str, Any]]) -> dict[str, Any]:
        """The response with all its items and counts."""
        is_cut = self.chat.plan.finish_reason == "length"
        body = self._head() | {"output": output, "status": "incomplete" if is_cut else "completed"}
        if is_cut:
            body["incomplete_details"] = {"reason": "max_output_tokens"}
        if self.chat.usage_factor is not None:
            body["usage"] = self._make_usage()
        return body

    def _head(self) -> dict[str, Any]:
        request, identity = self.request, self.chat.identity
        given = {
            "id": self._id,
            "created_at": identity.created_s,
            "model": identity.model,
            "object": "response",
            "instructions": request.instructions,
            "parallel_tool_calls": request.parallel_tool_calls is not False,
            "temperature": 1.0 if request.temperature is None else request.temperature,
            "tool_choice": request.tool_choice,
            "tools": [_describe_tool(tool) for tool in request.tools],
            "top_p": 1.0 if request.top_p is None else request.top_p,
            "background": False,
            "max_output_tokens": min(request.max_output_tokens or self._room, self._room),
            "reasoning": None if request.reasoning is None else request.reasoning.model_dump(),
            "service_tier": "auto",
            "top_logprobs": None,
            "truncation": "disabled",
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
        }
        return dict.fromkeys(_UNTOLD) | given

    def _make_usage(self) -> dict[str, Any]:
        usage = self.chat.make_usage(len(self.chat.plan.pieces))
        return {
            "input_tokens": usage["prompt_tokens"],
            "input_tokens_details": {
                "cached_tokens": 0,
                "cache_write_tokens": 0,
                "input_tokens_per_turn": [],
                "cached_tokens_per_turn": [],
            },
            "output_tokens": usage["completion_tokens"],
            "output_tokens_details": {
                "reasoning_tokens": usage["completion_tokens_details"]["reasoning_tokens"],
                "tool_output_tokens": 0,
                "output_tokens_per_turn": [],
                "tool_output_tokens_per_turn": [],
            },
            "total_tokens": usage["total_tokens"],
        }


class _ResponseWriter:
    """The events of one response: items opened, filled and closed one after the other."""

    def __init__(self, told: _Told) -> None:
        self._told = told
        self._number = 0
        self._output: list[dict[str, Any]] = []
        self._kind: str | None = None
        self._call_index: int | None = None
        self._item_id = self._call_id = self._name = self._text = ""

    def open(self) -> list[bytes]:
        """The two events that come first."""
        begun = self._told.begin()
        return [self._event(kind, response=begun) for kind in ("response.created", "response.in_progress")]

    def write(self, start: int, stop: int) -> bytes:
        """The events for these tokens."""
        return b"".join(event for piece in self._told.chat.plan.take(start, stop) for event in self._tell(piece))

    def close(self) -> list[bytes]:
        """The end of the last item."""
        return self._close_item()

    def end(self) -> bytes:
        """The event with the whole response."""
        return self._event("response.completed", response=self._told.with_output(self._output))

    def _tell(self, piece: Piece) -> list[bytes]:
        if not piece.text or not piece.field:
            return []
        kind = _KINDS[piece.field]
        events: list[bytes] = []
        if self._kind != kind or (piece.field == "call" and self._call_index != piece.call_index):
            events += [*self._close_item(), *self._open_item(kind, piece)]
        if piece.field != "call":
            self._text += piece.text
            events.append(self._grow(kind, piece.text))
        return events

    def _open_item(self, kind: str, piece: Piece) -> list[bytes]:
        self._kind, self._call_index, self._text = kind, piece.call_index, ""
        self._item_id, self._call_id, self._name = _make_id(kind), make_call_id(), piece.text
        item = {
            "reasoning": make_reasoning(self._item_id, None, "in_progress"),
            "message": make_message(self._item_id, [], "in_progress"),
            "function_call": make_call(self._item_id, self._call_id, self._name, "", "in_progress"),
        }[kind]
        added = self._event("response.output_item.added", output_index=len(self._output), item=item)
        if kind == "function_call":
            return [added]
        empty = {"type": "reasoning_text", "text": ""} if kind == "reasoning" else make_text("", logprobs=[])
        return [added, self._part_event("response.content_part.added", part=empty)]

    def _grow(self, kind: str, text: str) -> bytes:
        if kind == "function_call":
            return self._item_event("response.function_call_arguments.delta", delta=text)
        if kind == "reasoning":
            return self._part_event("response.reasoning_text.delta", delta=text)
        return self._part_event("response.output_text.delta", delta=text, logprobs=[])

    def _close_item(self) -> list[bytes]:
        kind, text = self._kind, self._text
        if kind is None:
            return []
        self._kind = None
        if kind == "function_call":
            item = make_call(self._item_id, self._call_id, self._name, text)
            events = [self._item_event("response.function_call_arguments.done", arguments=text, name=self._name)]
        elif kind == "reasoning":
            item = make_reasoning(self._item_id, text, "completed")
            events = [
                self._part_event("response.reasoning_text.done", text=text),
                self._part_event("response.content_part.done", part={"type": "reasoning_text", "text": text}),
            ]
        else:
            part = make_text(text)
            item = make_message(self._item_id, [part], "completed")
            events = [
                self._part_event("response.output_text.done", text=text, logprobs=[]),
                self._part_event("response.content_part.done", part=part),
            ]
        events.append(self._event("response.output_item.done", output_index=len(self._output), item=item))
        self._output.append(item)
        return events

    def _part_event(self, kind: str, **fields: Any) -> bytes:
        return self._item_event(kind, content_index=0, **fields)

    def _item_event(self, kind: str, **fields: Any) -> bytes:
        return self._event(kind, item_id=self._item_id, output_index=len(self._output), **fields)

    def _event(self, kind: str, **fields: Any) -> bytes:
        event = make_named_event({"type": kind, "sequence_number": self._number, **fields})
        self._number += 1
        return event


def _make_id(kind: str) -> str:
    return f"{_PREFIXES[kind]}_{uuid.uuid4().hex}"


def make_text(text: str, *, logprobs: list[Any] | None = None) -> dict[str, Any]:
    """A part of a message."""
    return {"annotations": [], "text": text, "type": "output_text", "logprobs": logprobs}


def make_message(item_id: str, parts: list[dict[str, Any]], status: str) -> dict[str, Any]:
    """An item with the answer's text."""
    return {
        "id": item_id,
        "content": parts,
        "role": "assistant",
        "status": status,
        "type": "message",
        "phase": None,
    }


def make_reasoning(item_id: str, text: str | None, status: str | None) -> dict[str, Any]:
    """An item with the thinking."""
    content = None if text is None else [{"text": text, "type": "reasoning_text"}]
    return {
        "id": item_id,
        "summary": [],
        "type": "reasoning",
        "content": content,
        "encrypted_content": None,
        "status": status,
    }


def make_call(item_id: str, call_id: str, name: str, arguments: str, status: str = "completed") -> dict[str, Any]:
    """An item with a call."""
    return {
        "arguments": arguments,
        "async": None,
        "call_id": call_id,
        "caller": None,
        "name": name,
        "type": "function_call",
        "id": item_id,
        "namespace": None,
        "status": status,
    }


def _describe_tool(tool: dict[str, Any]) -> dict[str, Any]:
    told = ("parameters", "strict", "description", "defer_loading", "allowed_callers", "async", "output_schema")
    unset = dict.fromkeys(told)
    return unset | {"type": "function", **tool}
