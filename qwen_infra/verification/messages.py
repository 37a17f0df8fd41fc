"""Anthropic's /v1/messages: a chat request in its words, and its answers, whole or streamed, read back."""

import json
from typing import Any

from qwen_infra.errors import CheckFailedError
from qwen_infra.verification.answer import Answer, CalledTool, Usage, check_answer, read_counts, unlike
from qwen_infra.verification.chat import SLACK_EVENTS
from qwen_infra.verification.fields import as_object, text_of

__all__ = ["MessagesStream", "read_message", "to_messages_request"]

_FINISH_REASONS = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "tool_use": "tool_calls"}
_DELTAS = {"thinking_delta": "thinking", "text_delta": "text", "input_json_delta": "partial_json"}
_TOOL_CHOICES = {"auto": {"type": "auto"}, "required": {"type": "any"}, "none": {"type": "none"}}


def to_messages_request(chat: dict[str, Any]) -> dict[str, Any]:
    """The same request for /v1/messages.

    Args:
        chat: body of a chat request.
    """
    body = {key: value for key, value in chat.items() if key not in {"messages", "tools", "tool_choice", "stop"}}
    system = [message["content"] for message in chat["messages"] if message["role"] == "system"]
    body["messages"] = [_to_message(message) for message in chat["messages"] if message["role"] != "system"]
    if system:
        body["system"] = "\n".join(system)
    if chat.get("stop"):
        body["stop_sequences"] = list(chat["stop"])
    if chat.get("tools"):
        functions = [tool["function"] for tool in chat["tools"]]
        body["tools"] = [
            {"name": each["name"], "description": each["description"], "input_schema": each["parameters"]}
            for each in functions
        ]
        choice = chat.get("tool_choice", "auto")
        named = {"type": "tool", "name": choice["function"]["name"]} if isinstance(choice, dict) else None
        body["tool_choice"] = named or _TOOL_CHOICES[choice]
    body.pop("stream_options", None)
    return body


def _to_message(message: dict[str, Any]) -> dict[str, Any]:
    if message["role"] == "tool":
        block = {"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": message["content"]}
        return {"role": "user", "content": [block]}
    calls = message.get("tool_calls")
    if not calls:
        return {"role": message["role"], "content": message["content"]}
    blocks = [
        {
            "type": "tool_use",
            "id": call["id"],
            "name": call["function"]["name"],
            "input": json.loads(call["function"]["arguments"]),
        }
        for call in calls
    ]
    return {"role": "assistant", "content": blocks}


def read_message(payload: object, *, max_tokens: int) -> Answer:
    """The answer in the JSON of a message.

    Raises:
        CheckFailedError: it is no message, did not end sanely, or its counts are implausible.
    """
    body = as_object(payload)
    if body.get("type") != "message" or not isinstance(body.get("content"), list):
        raise unlike("the answer is no message", payload, expected="an object of type `message` with `content`")
    blocks = [_Block(as_object(item), _inner_text(as_object(item))) for item in body["content"]]
    return _build(body, body, blocks, max_tokens=max_tokens, is_streamed=False)


class MessagesStream:
    """Puts a streamed message together, and refuses events out of order.

    Order: message_start; blocks that start, grow and stop one after the other; message_delta with the counts;
    message_stop.

    Args:
        max_tokens: what the request allowed.
    """

    end = "message_stop"

    def __init__(self, *, max_tokens: int) -> None:
        self._max_tokens = max_tokens
        self._events = 0
        self._message: dict[str, Any] | None = None
        self._blocks: list[_Block] = []
        self._is_block_open = False
        self._delta: dict[str, Any] = {}

    def take(self, event: dict[str, Any]) -> bool:
        """Take the next event; whether it was the last.

        Raises:
            CheckFailedError: it does not belong where it came.
        """
        kind = str(event.get("type"))
        self._events += 1
        if self._events > self._max_tokens + 4 * SLACK_EVENTS:
            raise CheckFailedError(
                "the stream goes on beyond max_tokens",
                expected=f"at most {self._max_tokens} tokens",
                found="more events",
            )
        if (kind == "message_start") != (self._message is None):
            raise unlike("the stream does not begin with message_start", event, expected="message_start once, first")
        if kind == "message_start":
            self._message = as_object(event.get("message"))
        elif kind == "message_delta":
            self._delta = event
        elif kind.startswith("content_block_"):
            self._take_block_event(kind, event)
        elif kind not in {"message_stop", "ping"}:
            raise unlike("the stream has an unknown event", event, expected="an event of the Messages protocol")
        return kind == self.end

    def finish(self) -> Answer:
        """The whole answer.

        Raises:
            CheckFailedError: something is missing, or what came is no right answer.
        """
        if self._is_block_open:
            raise CheckFailedError("a block was never stopped", expected="content_block_stop", found="message_stop")
        outcome = {**as_object(self._delta.get("delta")), "usage": self._delta.get("usage")}
        return _build(self._message or {}, outcome, self._blocks, max_tokens=self._max_tokens, is_streamed=True)

    def _take_block_event(self, kind: str, event: dict[str, Any]) -> None:
        is_start = kind == "content_block_start"
        index = len(self._blocks) if is_start else len(self._blocks) - 1
        if self._is_block_open == is_start or event.get("index") != index:
            raise unlike("the blocks of the stream are out of order", event, expected=f"block {index} to go on")
        if is_start:
            self._blocks.append(_Block(as_object(event.get("content_block")), ""))
        elif kind == "content_block_delta":
            delta = as_object(event.get("delta"))
            field = _DELTAS.get(str(delta.get("type")))
            self._blocks[-1].text += text_of(delta, field) if field else ""
        self._is_block_open = kind != "content_block_stop"


class _Block:
    """A block of the content: its head and its text, thinking or arguments."""

    def __init__(self, head: dict[str, Any], text: str) -> None:
        self.head = head
        self.kind = str(head.get("type"))
        self.text = text


def _inner_text(item: dict[str, Any]) -> str:
    if item.get("type") == "tool_use":
        return json.dumps(item.get("input"))
    return text_of(item, "thinking" if item.get("type") == "thinking" else "text")


def _build(
    head: dict[str, Any], outcome: dict[str, Any], blocks: list[_Block], *, max_tokens: int, is_streamed: bool
) -> Answer:
    kinds = [block.kind for block in blocks]
    if not set(kinds) <= {"thinking", "text", "tool_use"}:
        raise CheckFailedError("the message has an unknown block", expected="thinking, text or tool_use", found=kinds)
    stop_reason = str(outcome.get("stop_reason"))
    stop_sequence = outcome.get("stop_sequence")
    counts = as_object(outcome.get("usage"))
    calls = [block for block in blocks if block.kind == "tool_use"]
    return check_answer(
        Answer(
            content="".join(block.text for block in blocks if block.kind == "text"),
            reasoning="".join(block.text for block in blocks if block.kind == "thinking"),
            finish_reason=_FINISH_REASONS.get(stop_reason, stop_reason),
            max_tokens=max_tokens,
            usage=_read_usage(counts),
            tool_calls=tuple(
                CalledTool(text_of(call.head, "id"), text_of(call.head, "name"), call.text) for call in calls
            ),
            stop_reason=stop_sequence if isinstance(stop_sequence, str) else None,
            request_id=str(head.get("id") or "") or None,
            is_streamed=is_streamed,
        )
    )


def _read_usage(counts: dict[str, Any]) -> Usage:
    """The prompt's count leaves out what came from the cache, so a prompt is what all three make together."""
    prompt = counts.get("input_tokens")
    cached = (counts.get("cache_read_input_tokens"), counts.get("cache_creation_input_tokens"))
    if isinstance(prompt, int):
        prompt += sum(count for count in cached if isinstance(count, int))
    return read_counts(prompt, counts.get("output_tokens"), None)
