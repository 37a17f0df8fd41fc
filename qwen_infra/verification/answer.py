"""One answer of the model, whatever protocol and form it came in, and what every answer must have.

``chat``, ``responses`` and ``messages`` read their protocols into it; ``expectations`` asserts what a case wants of it.
"""

import json
from dataclasses import dataclass
from typing import Any

from qwen_infra.client import shorten
from qwen_infra.errors import CheckFailedError

__all__ = ["Answer", "CalledTool", "TokenLogprob", "Usage", "check_answer", "read_counts", "unlike"]

LEAKS = ("<think>", "</think>", "<tool_call>", "</tool_call>", "<function=", "<|im_start|>", "<|im_end|>")
"""Markup of the model's own format, which vLLM's parsers take out of every answer."""
MAX_CHARACTERS_PER_TOKEN = 256
"""No token of Qwen's vocabulary is longer; an answer beyond it was not made from the tokens that were allowed."""
_MIN_PRINTABLE_SHARE = 0.9
_QUOTED_CHARACTERS = 160
_FINISH_REASONS = ("stop", "length", "tool_calls")


@dataclass(frozen=True, slots=True)
class CalledTool:
    """One call; ``arguments`` is the JSON text as it came."""

    id: str
    name: str
    arguments: str

    def values(self) -> dict[str, Any]:
        """The arguments as an object.

        Raises:
            CheckFailedError: they are no JSON object.
        """
        try:
            value = json.loads(self.arguments)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            found = shorten(self.arguments, 80)
            raise CheckFailedError(
                f"the arguments of the call of {self.name} are no JSON object",
                expected="a JSON object",
                found=found or "nothing",
            )
        return value


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token with its log probability and those of the likeliest ones in its place."""

    token: str
    logprob: float
    top: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts; ``reasoning`` is None where the protocol does not tell it."""

    prompt: int
    completion: int
    reasoning: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came.

    Args:
        content: the answer's text, empty when null.
        reasoning: the thinking's text, empty when null.
        finish_reason: ``stop``, ``length`` or ``tool_calls``.
        max_tokens: what the request allowed.
        usage: the token counts.
        tool_calls: in their order.
        stop_reason: the stop string that ended it.
        logprobs: None when none came.
        request_id: the server's name for the request.
        is_streamed: whether it came in pieces.
    """

    content: str
    reasoning: str
    finish_reason: str
    max_tokens: int
    usage: Usage
    tool_calls: tuple[CalledTool, ...] = ()
    stop_reason: str | None = None
    logprobs: tuple[TokenLogprob, ...] | None = None
    request_id: str | None = None
    is_streamed: bool = False

    @property
    def was_cut(self) -> bool:
        """Whether the answer ended because ``max_tokens`` were reached."""
        return self.finish_reason == "length"

    def quote(self) -> str:
        """The answer in one short line, for a report."""
        parts = [f"finish_reason {self.finish_reason}", f"content {_quote(self.content)}"]
        parts.append(f"reasoning {_quote(self.reasoning)}")
        if self.tool_calls:
            calls = ", ".join(f"{call.name}({shorten(call.arguments, 60)})" for call in self.tool_calls)
            parts.append(f"calls {calls}")
        return ", ".join(parts)


def check_answer(answer: Answer) -> Answer:
    """What must hold for every answer, whatever was asked: it ended sanely, its counts are plausible, it is text.

    Raises:
        CheckFailedError: it does not.
    """
    if answer.finish_reason not in _FINISH_REASONS:
        raise CheckFailedError(
            "finish_reason is not sane", expected="stop, length or tool_calls", found=repr(answer.finish_reason)
        )
    _check_usage(answer)
    _check_texts(answer)
    _check_calls(answer)
    return answer


def read_counts(prompt: object, completion: object, total: object, reasoning: object = None) -> Usage:
    """Token counts, which must be there and add up.

    Raises:
        CheckFailedError: they are missing or wrong.
    """
    if not (_is_count(prompt) and _is_count(completion)):
        raise CheckFailedError(
            "the answer has no token counts", expected="`usage` with both counts", found=f"{prompt!r}, {completion!r}"
        )
    assert isinstance(prompt, int)
    assert isinstance(completion, int)
    if prompt < 1 or (total is not None and total != prompt + completion):
        raise CheckFailedError(
            "the token counts are implausible",
            expected="a prompt, an answer, and their sum",
            found=f"{prompt} + {completion} = {total}",
        )
    return Usage(prompt, completion, reasoning if isinstance(reasoning, int) else None)


def unlike(what: str, payload: object, *, expected: str = "a chat completion") -> CheckFailedError:
    """What came is not what the protocol says."""
    return CheckFailedError(what, expected=expected, found=shorten(repr(payload), _QUOTED_CHARACTERS))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_usage(answer: Answer) -> None:
    completion, limit = answer.usage.completion, answer.max_tokens
    if not 1 <= completion <= limit:
        raise CheckFailedError(
            "the token counts are implausible", expected=f"1 to {limit} completion tokens", found=completion
        )
    if (answer.usage.reasoning or 0) > completion:
        raise CheckFailedError(
            "more reasoning tokens are counted than tokens",
            expected=f"at most {completion}",
            found=answer.usage.reasoning,
        )
    if answer.was_cut and completion < limit:
        raise CheckFailedError(
            "finish_reason is length, but the limit was not reached",
            expected=f"{limit} completion tokens",
            found=completion,
        )
    characters = len(answer.content) + len(answer.reasoning)
    if characters > limit * MAX_CHARACTERS_PER_TOKEN:
        raise CheckFailedError(
            f"the answer is far longer than {limit} tokens can be",
            expected=f"at most {limit * MAX_CHARACTERS_PER_TOKEN} characters",
            found=characters,
        )


def _check_texts(answer: Answer) -> None:
    for leak in LEAKS:
        if leak in answer.content:
            raise CheckFailedError(f"`{leak}` leaked into content", expected="plain text", found=answer.quote())
    for name, text in (("content", answer.content), ("reasoning", answer.reasoning)):
        if text.strip() and not _is_readable(text, cut=answer.was_cut):
            raise CheckFailedError(f"{name} is garbage", expected="printable text", found=answer.quote())


def _check_calls(answer: Answer) -> None:
    ids = [call.id for call in answer.tool_calls]
    if not all(ids) or len(set(ids)) != len(ids):
        raise CheckFailedError(
            "the calls cannot be told apart", expected="an id of its own for each call", found=", ".join(map(repr, ids))
        )
    for call in answer.tool_calls:
        if not call.name:
            raise CheckFailedError("a call has no name", expected="the tool's name", found=answer.quote())


def _is_readable(text: str, *, cut: bool) -> bool:
    whole = text.rstrip("\ufffd") if cut else text  # a cut may fall inside a character
    printable = sum(character.isprintable() or character.isspace() for character in whole)
    letters = any(character.isalnum() for character in whole)
    return letters and "\ufffd" not in whole and printable >= _MIN_PRINTABLE_SHARE * len(whole)


def _quote(text: str) -> str:
    return f'"{shorten(text, _QUOTED_CHARACTERS)}"' if text.strip() else "empty"
