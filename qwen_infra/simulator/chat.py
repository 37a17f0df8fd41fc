"""/v1/chat/completions: from a validated request to the answer's body or events, in vLLM's shapes and event order."""

import uuid
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from qwen_infra.simulator.answers import Conversation, answer
from qwen_infra.simulator.api_errors import ApiError
from qwen_infra.simulator.chat_template import render_chat
from qwen_infra.simulator.distortion import ReplyContext, distort_reply
from qwen_infra.simulator.generation import Piece, TokenPlan, plan_tokens
from qwen_infra.simulator.middleware import ARRIVED_KEY
from qwen_infra.simulator.protocol import ChatRequest
from qwen_infra.simulator.reply import Reply
from qwen_infra.simulator.simulation import Identity, Simulation
from qwen_infra.simulator.streaming import Answer, respond_with_body, respond_with_stream
from qwen_infra.simulator.tokens import encode
from qwen_infra.simulator.wire import make_event, make_usage, quote, to_json, token_logprobs

__all__ = ["Chat", "answer_chat", "build_body", "make_call_id", "prepare_chat"]


async def answer_chat(request: Request, simulation: Simulation, body: ChatRequest) -> Response:
    """The response to one chat request.

    Raises:
        ApiError: the request cannot be served.
    """
    chat = prepare_chat(simulation, body)
    answers = [Answer(chat.prompt_ids, chat.plan, request.scope[ARRIVED_KEY])]
    if body.stream:
        writer = _ChatWriter(chat)
        return respond_with_stream(simulation, answers, [writer], writer.close)
    return await respond_with_body(request, simulation, answers, lambda: build_body(chat))


@dataclass(frozen=True)
class Chat:
    """One answer with what its body and events need."""

    request: ChatRequest
    identity: Identity
    prompt_ids: list[int]
    reply: Reply
    plan: TokenPlan
    usage_factor: int | None

    @property
    def is_choice_forced(self) -> bool:
        """Whether the request demands a call."""
        return self.request.tool_choice == "required" or self.request.named_tool is not None

    def make_usage(self, completion_tokens: int) -> dict[str, Any]:
        """``usage`` after that many tokens."""
        factor = self.usage_factor or 1
        reasoning = sum(1 for piece in self.plan.take(0, completion_tokens) if piece.field == "reasoning")
        return make_usage(len(self.prompt_ids) * factor, completion_tokens * factor, reasoning)


def prepare_chat(simulation: Simulation, body: ChatRequest) -> Chat:
    """What will be said to a chat request.

    Raises:
        ApiError: the request cannot be served.
    """
    simulation.check_engine()
    simulation.check_model(body.model)
    faults, settings = simulation.faults, simulation.settings
    if settings.text_only and any(message.has_picture for message in body.messages):
        raise ApiError("At most 0 image(s) may be provided in one prompt.")
    explicit = body.enable_thinking if body.enable_thinking is not None else settings.default_enable_thinking
    is_thinking = settings.thinks_by_default if explicit is None else explicit
    tools = [tool.model_dump() for tool in body.tools or ()]
    prompt_ids = encode(render_chat(body.messages, tools, is_thinking=is_thinking))
    simulation.check_length(len(prompt_ids))
    limits = body.make_limits(len(prompt_ids), settings.max_model_len)
    conversation = Conversation(
        [(message.role, message.read_text()) for message in body.messages],
        is_forgetful=faults.is_active("forgetful"),
        is_blind=faults.is_active("image-ignored"),
    )
    schema = body.read_schema()
    reply = answer(
        conversation,
        tools=tools,
        tool_choice=f"name:{body.named_tool}" if body.named_tool else str(body.tool_choice),
        is_parallel=body.parallel_tool_calls is not False,
        schema=schema,
    )
    context = ReplyContext(tools, is_thinking, conversation.is_chinese, has_schema=schema is not None)
    reply = simulation.swap_reply(distort_reply(reply, context, faults))
    if explicit is None and not settings.thinks_by_default and not body.stream and not reply.tool_calls:
        # The trap of the 0.8B and 2B: the parser expects thinking, so a whole answer without it lands in reasoning.
        reply = Reply(reasoning=reply.content)
    return Chat(
        request=body,
        identity=simulation.identify("chatcmpl", body.request_id),
        prompt_ids=prompt_ids,
        reply=reply,
        plan=plan_tokens(reply, limits, faults),
        usage_factor=None if faults.is_active("missing-usage") else 2 if faults.is_active("wrong-usage") else 1,
    )


def build_body(chat: Chat) -> dict[str, Any]:
    """The whole chat completion."""
    plan, request, identity = chat.plan, chat.request, chat.identity
    calls = _finished_calls(chat)
    is_required = request.tool_choice == "required" and plan.finish_reason == "stop"
    is_called = bool(calls) and not chat.is_choice_forced
    message: dict[str, Any] = {
        "role": "assistant",
        "content": plan.text_of("content") or ("" if chat.is_choice_forced else None),
        "refusal": None,
        "annotations": None,
        "audio": None,
        "function_call": None,
    }
    if calls:
        message["tool_calls"] = calls
    message["reasoning"] = (plan.text_of("reasoning") or None) if request.include_reasoning else None
    choice = {
        "index": 0,
        "message": message,
        "logprobs": _make_logprobs(plan.pieces, request),
        "finish_reason": "tool_calls" if is_called or is_required else plan.finish_reason,
        "stop_reason": plan.stop_reason,
        "token_ids": None,
        "routed_experts": None,
    }
    body: dict[str, Any] = {
        "id": identity.id,
        "object": "chat.completion",
        "created": identity.created_s,
        "model": identity.model,
        "choices": [choice],
        "service_tier": None,
        "system_fingerprint": identity.fingerprint,
        "usage": {"prompt_tokens_details": None} | chat.make_usage(len(plan.pieces)),
    }
    if chat.usage_factor is None:
        del body["usage"]
    unused = (
        "prompt_logprobs",
        "prompt_token_ids",
        "prompt_text",
        "kv_transfer_params",
        "ec_transfer_params",
        "metrics",
    )
    return body | dict.fromkeys(unused)


def _finished_calls(chat: Chat) -> list[dict[str, Any]]:
    calls = []
    for index, call in enumerate(chat.reply.tool_calls):
        if not chat.plan.text_of("call", index):
            continue
        # A call that max_tokens cut off has no complete parameter yet: vLLM's parser gives an empty object.
        is_whole = chat.plan.text_of("arguments", index) == call.arguments
        function = {"name": call.name, "arguments": call.arguments if is_whole else "{}"}
        calls.append({"id": make_call_id(), "type": "function", "function": function})
    return calls


def make_call_id() -> str:
    """A new id of a tool call, as vLLM makes them."""
    return f"chatcmpl-tool-{uuid.uuid4().hex}"


def _make_logprobs(pieces: list[Piece], request: ChatRequest) -> dict[str, Any] | None:
    count = request.top_count
    if count is None:
        return None
    content = []
    for piece in pieces:
        ranked = [
            {"token": token, "logprob": value, "bytes": list(token.encode("utf-8", errors="replace"))}
            for token, value in token_logprobs(piece, max(count, 1))
        ]
        content.append({**ranked[0], "top_logprobs": ranked[:count]})
    return {"content": content}


class _ChatWriter:
    """The events of one chat answer."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._plan = chat.plan
        self._has_plain_events = chat.request.top_count is None and not chat.request.continuous_usage
        identity = chat.identity
        self._head = {
            "id": identity.id,
            "object": "chat.completion.chunk",
            "created": identity.created_s,
            "model": identity.model,
        }
        start = b"data: " + to_json(self._head)[:-1] + b',"choices":[{"index":0,"delta":{'
        self._starts = {"content": start + b'"content":', "reasoning": start + b'"reasoning":'}
        self._end = b'},"logprobs":null,"finish_reason":null,"token_ids":null}]}\n\n'

    def open(self) -> list[bytes]:
        """The event with the role."""
        choice = {"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}
        event = self._head | {"choices": [choice], "prompt_token_ids": None, "prompt_text": None}
        if self._chat.request.continuous_usage:
            event["usage"] = self._chat.make_usage(0)
        return [make_event(event)]

    def write(self, start: int, stop: int) -> bytes:
        """The event for these tokens; markup shows nothing and gives no event."""
        pieces = self._plan.take(start, stop)
        is_last = stop == self._plan.output_tokens
        if self._has_plain_events and not is_last and len(pieces) == 1:
            piece = pieces[0]
            if not piece.text or (piece.field == "reasoning" and not self._chat.request.include_reasoning):
                return b""
            if piece.field in self._starts:
                return self._starts[piece.field] + quote(piece.text) + self._end
        return self._write_any(pieces, stop, is_last=is_last)

    def close(self) -> list[bytes]:
        """The usage event, if it is wanted."""
        if not self._chat.request.includes_usage or self._chat.usage_factor is None:
            return []
        usage = self._chat.make_usage(len(self._plan.pieces))
        event = {"choices": [], "usage": usage, "system_fingerprint": self._chat.identity.fingerprint}
        return [make_event(self._head | event)]

    def _write_any(self, pieces: list[Piece], stop: int, *, is_last: bool) -> bytes:
        request = self._chat.request
        delta = self._make_delta(pieces)
        logprobs = _make_logprobs(pieces, request) if request.include_reasoning else None
        if not delta and not is_last and logprobs is None:
            return b""
        choice: dict[str, Any] = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": None}
        event: dict[str, Any] = self._head | {"choices": [choice]}
        if is_last:
            choice["finish_reason"] = self._finish_reason()
            choice["stop_reason"] = self._plan.stop_reason
        choice["token_ids"] = None
        if request.continuous_usage:
            event["usage"] = self._chat.make_usage(stop)
        if is_last and not request.includes_usage:
            event["system_fingerprint"] = self._chat.identity.fingerprint
        return make_event(event)

    def _finish_reason(self) -> str:
        is_called = self._plan.count("call") > 0 and self._chat.request.named_tool is None
        return "tool_calls" if is_called and self._plan.finish_reason == "stop" else self._plan.finish_reason

    def _make_delta(self, pieces: list[Piece]) -> dict[str, Any]:
        delta: dict[str, Any] = {}
        for field in ("content", "reasoning"):
            text = "".join(piece.text for piece in pieces if piece.field == field)
            if text and (field == "content" or self._chat.request.include_reasoning):
                delta[field] = text
        calls: dict[int, dict[str, Any]] = {}
        for piece in pieces:
            if piece.field == "call":
                head = {"id": make_call_id(), "type": "function", "index": piece.call_index}
                calls[piece.call_index] = {**head, "function": {"name": piece.text}}
            elif piece.field == "arguments":
                call = calls.setdefault(piece.call_index, {"index": piece.call_index, "function": {}})
                call["function"]["arguments"] = call["function"].get("arguments", "") + piece.text
        if calls:
            delta["tool_calls"] = list(calls.values())
        return delta
