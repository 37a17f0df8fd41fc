"""/v1/chat/completions, read: a whole answer, or the events of a stream in the order that the protocol demands."""

from collections.abc import Sequence
from typing import Any

from qwen_infra.client import shorten
from qwen_infra.errors import CheckFailedError
from qwen_infra.verification.answer import Answer, CalledTool, TokenLogprob, Usage, check_answer, read_counts, unlike
from qwen_infra.verification.fields import as_list, as_object, text_of

__all__ = ["ChatStream", "read_chat"]

SLACK_EVENTS = 32
"""Events of a stream beyond one a token: the role, the usage, pieces that a parser holds back and lets go."""


def read_chat(payload: object, *, max_tokens: int) -> Answer:
    """The answer in the JSON of a chat completion.

    Raises:
        CheckFailedError: it is no chat completion, did not end sanely, or its counts are implausible.
    """
    if not isinstance(payload, dict):
        raise unlike("the answer is not a JSON object", payload)
    choice = next((item for item in as_list(payload.get("choices")) if isinstance(item, dict)), None)
    message = choice.get("message") if choice else None
    if choice is None or not isinstance(message, dict):
        raise unlike("the answer has no choice with a message", payload)
    calls = []
    for item in as_list(message.get("tool_calls")):
        function = as_object(as_object(item).get("function"))
        calls.append(
            CalledTool(text_of(as_object(item), "id"), text_of(function, "name"), text_of(function, "arguments"))
        )
    return check_answer(
        Answer(
            content=text_of(message, "content"),
            reasoning=text_of(message, "reasoning"),
            finish_reason=str(choice.get("finish_reason")),
            max_tokens=max_tokens,
            usage=_read_usage(payload.get("usage")),
            tool_calls=tuple(calls),
            stop_reason=_stop_string(choice),
            logprobs=_read_logprobs(choice.get("logprobs")),
            request_id=str(payload.get("id") or "") or None,
        )
    )


class ChatStream:
    """Puts a streamed chat completion together, and refuses events out of order.

    Order: a role; thinking; the answer or calls, each call's name before its arguments; one finish_reason; the usage.

    Args:
        max_tokens: what the request allowed; a stream that goes far beyond it is refused while it runs.
    """

    end = "[DONE]"

    def __init__(self, *, max_tokens: int) -> None:
        self._max_tokens = max_tokens
        self._events = 0
        self._id: str | None = None
        self._texts: dict[str, list[str]] = {"content": [], "reasoning": []}
        self._calls: dict[int, dict[str, str]] = {}
        self._logprobs: list[TokenLogprob] | None = None
        self._finish_reason: str | None = None
        self._stop_reason: str | None = None
        self._usage: Usage | None = None

    def take(self, event: dict[str, Any]) -> bool:
        """Take the next event; whether it was the last, which only ``[DONE]`` is here.

        Raises:
            CheckFailedError: it does not belong where it came.
        """
        self._events += 1
        if self._events > self._max_tokens + SLACK_EVENTS:
            raise CheckFailedError(
                "the stream goes on beyond max_tokens",
                expected=f"at most {self._max_tokens} tokens",
                found="more events",
            )
        self._check_identity(event)
        choices = as_list(event.get("choices"))
        if event.get("usage") is not None:
            self._usage = _read_usage(event["usage"])
        if not choices:
            return False
        choice = as_object(choices[0])
        if self._finish_reason is not None:
            raise unlike("an event with text came after finish_reason", event, expected="only the usage after the end")
        self._take_delta(as_object(choice.get("delta")))
        found = _read_logprobs(choice.get("logprobs"))
        if found is not None:
            self._logprobs = [*(self._logprobs or ()), *found]
        if choice.get("finish_reason") is not None:
            self._finish_reason = str(choice["finish_reason"])
            self._stop_reason = _stop_string(choice)
        return False

    def finish(self) -> Answer:
        """The whole answer.

        Raises:
            CheckFailedError: something is missing, or what came is no right answer.
        """
        if self._finish_reason is None:
            raise CheckFailedError("the stream ended without finish_reason", expected="stop, length or tool_calls")
        if self._usage is None:
            raise CheckFailedError(
                "the answer has no token counts", expected="a last event with `usage`", found="none in the stream"
            )
        calls = (self._calls[index] for index in sorted(self._calls))
        return check_answer(
            Answer(
                content="".join(self._texts["content"]),
                reasoning="".join(self._texts["reasoning"]),
                finish_reason=self._finish_reason,
                max_tokens=self._max_tokens,
                usage=self._usage,
                tool_calls=tuple(CalledTool(call["id"], call["name"], call["arguments"]) for call in calls),
                stop_reason=self._stop_reason,
                logprobs=None if self._logprobs is None else tuple(self._logprobs),
                request_id=self._id,
                is_streamed=True,
            )
        )

    def _check_identity(self, event: dict[str, Any]) -> None:
        if event.get("object") != "chat.completion.chunk":
            raise unlike("an event of the stream is no chat completion chunk", event, expected="chat.completion.chunk")
        identity = str(event.get("id") or "")
        if self._id is None:
            self._id = identity
            role = as_object(as_object(next(iter(as_list(event.get("choices"))), None)).get("delta")).get("role")
            if role != "assistant":
                raise unlike("the stream does not begin with the role", event, expected="role assistant")
        elif identity != self._id:
            raise CheckFailedError("the id changed within the stream", expected=self._id, found=shorten(identity, 80))

    def _take_delta(self, delta: dict[str, Any]) -> None:
        reasoning, content = text_of(delta, "reasoning"), text_of(delta, "content")
        if reasoning and ("".join(self._texts["content"]).strip() or self._calls):
            raise CheckFailedError(
                "thinking came after the answer had begun", expected="reasoning first", found=shorten(reasoning, 80)
            )
        self._texts["reasoning"].append(reasoning)
        self._texts["content"].append(content)
        for item in as_list(delta.get("tool_calls")):
            self._take_call(as_object(item))

    def _take_call(self, piece: dict[str, Any]) -> None:
        index, function = piece.get("index"), as_object(piece.get("function"))
        if not isinstance(index, int):
            raise unlike("a piece of a call has no index", piece, expected="an index")
        if index not in self._calls:
            if not piece.get("id") or not function.get("name"):
                raise unlike("a call does not begin with its id and name", piece, expected="id and name first")
            self._calls[index] = {"id": str(piece["id"]), "name": str(function["name"]), "arguments": ""}
        self._calls[index]["arguments"] += text_of(function, "arguments")


def _stop_string(choice: dict[str, Any]) -> str | None:
    value = choice.get("stop_reason")
    return value if isinstance(value, str) else None


def _read_usage(usage: object) -> Usage:
    counts = as_object(usage)
    details = as_object(counts.get("completion_tokens_details"))
    return read_counts(
        counts.get("prompt_tokens"),
        counts.get("completion_tokens"),
        counts.get("total_tokens"),
        details.get("reasoning_tokens"),
    )


def _read_logprobs(value: object) -> tuple[TokenLogprob, ...] | None:
    if value is None:
        return None
    return tuple(_read_logprob(as_object(item)) for item in as_list(as_object(value).get("content")))


def _read_logprob(item: dict[str, Any]) -> TokenLogprob:
    top = [as_object(other).get("logprob") for other in as_list(item.get("top_logprobs"))]
    values = [item.get("logprob"), *top]
    if not all(isinstance(number, int | float) for number in values) or not isinstance(item.get("token"), str):
        raise unlike("a log probability is no number", item, expected="a token with its logprob")
    return TokenLogprob(item["token"], float(item["logprob"]), tuple(float(number) for number in _numbers(top)))


def _numbers(values: Sequence[object]) -> list[float]:
    return [float(value) for value in values if isinstance(value, int | float)]
