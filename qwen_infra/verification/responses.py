"""OpenAI's /v1/responses: a chat request in its words, and its answers, whole or streamed, read back."""

from typing import Any

from qwen_infra.errors import CheckFailedError
from qwen_infra.verification.answer import Answer, CalledTool, Usage, check_answer, read_counts, unlike
from qwen_infra.verification.chat import SLACK_EVENTS
from qwen_infra.verification.fields import as_list, as_object, text_of

__all__ = ["ResponsesStream", "read_response", "to_responses_request"]

_STATUSES = {"completed": "stop", "incomplete": "length"}
_EVENTS_BESIDE_TOKENS = 4 * SLACK_EVENTS
"""Each item of the answer is opened and closed by five events of its own."""


def to_responses_request(chat: dict[str, Any]) -> dict[str, Any]:
    """The same request for /v1/responses.

    Args:
        chat: body of a chat request.
    """
    body = {key: value for key, value in chat.items() if key not in {"messages", "max_tokens", "tools", "tool_choice"}}
    system = [message["content"] for message in chat["messages"] if message["role"] == "system"]
    body["input"] = [item for message in chat["messages"] for item in _to_items(message)]
    body["max_output_tokens"] = chat["max_tokens"]
    body["store"] = False
    if system:
        body["instructions"] = "\n".join(system)
    if chat.get("tools"):
        body["tools"] = [{"type": "function", **tool["function"]} for tool in chat["tools"]]
        body["tool_choice"] = chat.get("tool_choice", "auto")
    body.pop("stream_options", None)
    return body


def _to_items(message: dict[str, Any]) -> list[dict[str, Any]]:
    role = message["role"]
    if role == "system":
        return []
    if role == "tool":
        return [{"type": "function_call_output", "call_id": message["tool_call_id"], "output": message["content"]}]
    items: list[dict[str, Any]] = [
        {
            "type": "function_call",
            "call_id": call["id"],
            "name": call["function"]["name"],
            "arguments": call["function"]["arguments"],
        }
        for call in message.get("tool_calls", ())
    ]
    if message.get("content"):
        items.insert(0, {"role": role, "content": message["content"]})
    return items


def read_response(payload: object, *, max_tokens: int, is_streamed: bool = False) -> Answer:
    """The answer in the JSON of a response.

    Raises:
        CheckFailedError: it is no response, did not end sanely, or its counts are implausible.
    """
    body = as_object(payload)
    if body.get("object") != "response" or not isinstance(body.get("output"), list):
        raise unlike("the answer is no response", payload, expected="an object `response` with `output`")
    texts: dict[str, str] = {"message": "", "reasoning": ""}
    calls = []
    for item in map(as_object, body["output"]):
        kind = str(item.get("type"))
        if kind == "function_call":
            calls.append(CalledTool(text_of(item, "call_id"), text_of(item, "name"), text_of(item, "arguments")))
        elif kind in texts:
            texts[kind] += "".join(text_of(as_object(part), "text") for part in as_list(item.get("content")))
        else:
            raise unlike("the output has an unknown item", item, expected="reasoning, message or function_call")
    status = str(body.get("status"))
    return check_answer(
        Answer(
            content=texts["message"],
            reasoning=texts["reasoning"],
            finish_reason="tool_calls" if calls and status == "completed" else _STATUSES.get(status, status),
            max_tokens=max_tokens,
            usage=_read_usage(body.get("usage")),
            tool_calls=tuple(calls),
            request_id=str(body.get("id") or "") or None,
            is_streamed=is_streamed,
        )
    )


class ResponsesStream:
    """Follows a streamed response: created, items opened, filled and closed one after the other, completed.

    The answer is what the last event says, and the pieces must add up to it.

    Args:
        max_tokens: what the request allowed.
    """

    end = "response.completed"

    def __init__(self, *, max_tokens: int) -> None:
        self._max_tokens = max_tokens
        self._events = 0
        self._open_item: object = None
        self._pieces = {"response.output_text.delta": "", "response.reasoning_text.delta": ""}
        self._final: object = None

    def take(self, event: dict[str, Any]) -> bool:
        """Take the next event; whether it was the last.

        Raises:
            CheckFailedError: it does not belong where it came.
        """
        kind = str(event.get("type"))
        self._check_order(event, kind)
        if kind in {"response.completed", "response.incomplete"}:
            self._final = event.get("response")
            return True
        if kind == "response.failed":
            raise unlike("the response failed", event.get("response"), expected="response.completed")
        if kind == "response.output_item.added":
            if self._open_item is not None:
                raise unlike("an item began before the one before had ended", event, expected="one item at a time")
            self._open_item = event.get("output_index")
        elif kind == "response.output_item.done":
            self._open_item = None
        elif kind in self._pieces:
            self._pieces[kind] += text_of(event, "delta")
        return False

    def finish(self) -> Answer:
        """The whole answer.

        Raises:
            CheckFailedError: something is missing, or what came is no right answer.
        """
        answer = read_response(self._final, max_tokens=self._max_tokens, is_streamed=True)
        for kind, whole in (
            ("response.output_text.delta", answer.content),
            ("response.reasoning_text.delta", answer.reasoning),
        ):
            if self._pieces[kind].strip() != whole.strip():
                raise CheckFailedError(
                    f"the pieces of {kind} do not add up to the text of response.completed",
                    expected=repr(whole[:80]),
                    found=repr(self._pieces[kind][:80]),
                )
        return answer

    def _check_order(self, event: dict[str, Any], kind: str) -> None:
        if self._events == 0 and kind != "response.created":
            raise unlike("the stream does not begin with response.created", event, expected="response.created")
        if event.get("sequence_number") not in (None, self._events):
            raise CheckFailedError(
                "the events are not numbered in order", expected=self._events, found=event.get("sequence_number")
            )
        self._events += 1
        if self._events > self._max_tokens + _EVENTS_BESIDE_TOKENS:
            raise CheckFailedError(
                "the stream goes on beyond max_tokens",
                expected=f"at most {self._max_tokens} tokens",
                found="more events",
            )


def _read_usage(usage: object) -> Usage:
    counts = as_object(usage)
    details = as_object(counts.get("output_tokens_details"))
    return read_counts(
        counts.get("input_tokens"),
        counts.get("output_tokens"),
        counts.get("total_tokens"),
        details.get("reasoning_tokens"),
    )
