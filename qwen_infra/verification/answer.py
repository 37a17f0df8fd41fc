"""Reading a chat completion and asserting its structure: where the answer is, how it ended, what was counted.

Assertions are about structure, and about the text only where a right model cannot miss. No requests here.
"""

from dataclasses import dataclass
from typing import Any

from qwen_infra.client import shorten
from qwen_infra.errors import CheckFailedError

__all__ = ["ChatAnswer", "expect_readable", "expect_thinking_off", "expect_thinking_on", "read_answer"]

_LEAKS = ("<think>", "</think>", "<tool_call>", "</tool_call>", "<function=", "<|im_start|>", "<|im_end|>")
_MIN_PRINTABLE_SHARE = 0.9
_QUOTED_CHARACTERS = 160


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """The parts of a chat completion that the cases look at.

    Args:
        content: the answer's text, empty when null.
        reasoning: the thinking's text, empty when null.
        finish_reason: why it ended.
        prompt_tokens: from ``usage``.
        completion_tokens: from ``usage``.
        max_tokens: what the request allowed.
    """

    content: str
    reasoning: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    max_tokens: int

    @property
    def was_cut(self) -> bool:
        """Whether the answer ended because ``max_tokens`` were reached."""
        return self.finish_reason == "length"

    def quote(self) -> str:
        """The answer in one short line, for a report."""
        parts = [f"finish_reason {self.finish_reason}", f"content {_quote(self.content)}"]
        parts.append(f"reasoning {_quote(self.reasoning)}")
        return ", ".join(parts)


def read_answer(payload: object, *, max_tokens: int) -> ChatAnswer:
    """The answer in the JSON of a chat completion.

    Raises:
        CheckFailedError: it is no chat completion, did not end sanely, or its counts are implausible.
    """
    if not isinstance(payload, dict):
        raise _unlike("the answer is not a JSON object", payload)
    choice = _first(payload.get("choices"))
    message = choice.get("message") if choice else None
    if not choice or not isinstance(message, dict):
        raise _unlike("the answer has no choice with a message", payload)
    finish_reason = choice.get("finish_reason")
    if finish_reason not in {"stop", "length"}:
        raise CheckFailedError("finish_reason is not sane", expected="stop or length", found=repr(finish_reason))
    prompt_tokens, completion_tokens = _read_usage(payload.get("usage"), max_tokens)
    answer = ChatAnswer(
        content=_text(message, "content"),
        reasoning=_text(message, "reasoning"),
        finish_reason=finish_reason,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        max_tokens=max_tokens,
    )
    if answer.was_cut and completion_tokens < max_tokens:
        raise CheckFailedError(
            "finish_reason is length, but the limit was not reached",
            expected=f"{max_tokens} completion tokens",
            found=completion_tokens,
        )
    return answer


def expect_thinking_on(answer: ChatAnswer, *, may_be_cut: bool) -> None:
    """Thinking went into ``reasoning`` and an answer into ``content``.

    Args:
        answer: what came.
        may_be_cut: ``max_tokens`` is so low that a right model may still be thinking when it is reached.

    Raises:
        CheckFailedError: it did not.
    """
    expect_readable(answer)
    if not answer.reasoning.strip():
        raise CheckFailedError(
            "thinking is on but `reasoning` is empty",
            expected="thinking in `reasoning`, the answer in `content`",
            found=answer.quote(),
        )
    if not answer.content.strip() and not (answer.was_cut and may_be_cut):
        why = (
            f"the thinking did not end within {answer.max_tokens} tokens"
            if answer.was_cut
            else "all of the answer is in `reasoning`"
        )
        raise CheckFailedError(
            f"content is empty: {why}", expected="an answer in `content` after the thinking", found=answer.quote()
        )


def expect_thinking_off(answer: ChatAnswer) -> None:
    """No thinking, and an answer in ``content``.

    Raises:
        CheckFailedError: it is otherwise.
    """
    expected = "the answer in `content`, no `reasoning`"
    expect_readable(answer)
    if not answer.content.strip():
        where = "and the answer is in `reasoning`" if answer.reasoning.strip() else "and so is `reasoning`"
        raise CheckFailedError(f"content is empty {where}", expected=expected, found=answer.quote())
    if answer.reasoning.strip():
        raise CheckFailedError("thinking is off but `reasoning` is not empty", expected=expected, found=answer.quote())


def expect_readable(answer: ChatAnswer) -> None:
    """No markup of the model's own format leaked, and the texts are texts.

    Raises:
        CheckFailedError: markup leaked, or a text is garbage.
    """
    for leak in _LEAKS:
        if leak in answer.content:
            raise CheckFailedError(f"`{leak}` leaked into content", expected="plain text", found=answer.quote())
    for name, text in (("content", answer.content), ("reasoning", answer.reasoning)):
        if text.strip() and not _is_readable(text, cut=answer.was_cut):
            raise CheckFailedError(f"{name} is garbage", expected="printable text with letters", found=answer.quote())


def _is_readable(text: str, *, cut: bool) -> bool:
    whole = text.rstrip("\ufffd") if cut else text  # a cut may fall inside a character
    printable = sum(character.isprintable() or character.isspace() for character in whole)
    letters = any(character.isalpha() for character in whole)
    return letters and "\ufffd" not in whole and printable >= _MIN_PRINTABLE_SHARE * len(whole)


def _first(choices: object) -> dict[str, Any] | None:
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    return None


def _text(message: dict[str, Any], key: str) -> str:
    value = message.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise CheckFailedError(f"`{key}` is not text", expected="a string or null", found=shorten(repr(value), 80))
    return value


def _read_usage(usage: object, max_tokens: int) -> tuple[int, int]:
    counts = usage if isinstance(usage, dict) else {}
    prompt, completion = counts.get("prompt_tokens"), counts.get("completion_tokens")
    if not isinstance(prompt, int) or not isinstance(completion, int):
        raise CheckFailedError("the answer has no token counts", expected="`usage` with both counts", found=repr(usage))
    total = counts.get("total_tokens", prompt + completion)
    if prompt < 1 or not 1 <= completion <= max_tokens or total != prompt + completion:
        raise CheckFailedError(
            "the token counts are implausible",
            expected=f"a prompt, 1 to {max_tokens} completion tokens, and their sum",
            found=f"{prompt} + {completion} = {total}",
        )
    return prompt, completion


def _unlike(what: str, payload: object) -> CheckFailedError:
    return CheckFailedError(what, expected="a chat completion", found=shorten(repr(payload), _QUOTED_CHARACTERS))


def _quote(text: str) -> str:
    return f'"{shorten(text, _QUOTED_CHARACTERS)}"' if text.strip() else "empty"
