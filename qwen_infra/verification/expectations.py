"""What a case may expect of an answer: small functions that raise with what was expected and what came.

About structure always, about the text only where a right model cannot miss; a wrong text is ``WrongContentError``.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from qwen_infra.errors import CheckFailedError
from qwen_infra.verification.answer import Answer
from qwen_infra.verification.case import WrongContentError

__all__ = [
    "Expectation",
    "answers_in_chinese",
    "calls",
    "calls_nothing",
    "counts_thinking",
    "counts_tokens",
    "ends_with",
    "has_logprobs",
    "holds_json",
    "is_one_of",
    "says",
    "stops_before",
    "thinks",
    "thinks_not",
    "was_cut_at",
]


@dataclass(frozen=True)
class Expectation:
    """What an answer must be like.

    Args:
        told: in a few words, for the list of cases.
        check: raises CheckFailedError when the answer is not so.
    """

    told: str
    check: Callable[[Answer], None]

    def __call__(self, answer: Answer) -> None:
        """Raise when the answer is not as told."""
        self.check(answer)


def _expectation(told: str) -> Callable[[Callable[[Answer], None]], Expectation]:
    return lambda check: Expectation(told, check)


_TOOL_MARKUP = ("<tool_call>", "<function=")


def thinks(answer: Answer, *, may_be_cut: bool = False) -> None:
    """Thinking went into ``reasoning``, and an answer or a call came after it.

    Args:
        answer: what came.
        may_be_cut: ``max_tokens`` is so low that a right model may still be thinking when it is reached.
    """
    if not answer.reasoning.strip():
        raise CheckFailedError(
            "thinking is on but `reasoning` is empty",
            expected="thinking in `reasoning`, the answer in `content`",
            found=answer.quote(),
        )
    if answer.content.strip() or answer.tool_calls or (answer.was_cut and may_be_cut):
        return
    _refuse_lost_call(answer)
    why = (
        f"the thinking did not end within {answer.max_tokens} tokens"
        if answer.was_cut
        else "all of the answer is in `reasoning`"
    )
    raise CheckFailedError(
        f"content is empty: {why}", expected="an answer in `content` after the thinking", found=answer.quote()
    )


def thinks_not(answer: Answer) -> None:
    """No thinking, and an answer in ``content`` or a call."""
    expected = "the answer in `content`, no `reasoning`"
    if not answer.content.strip() and not answer.tool_calls:
        _refuse_lost_call(answer)
        where = "and the answer is in `reasoning`" if answer.reasoning.strip() else "and so is `reasoning`"
        raise CheckFailedError(f"content is empty {where}", expected=expected, found=answer.quote())
    if answer.reasoning.strip():
        raise CheckFailedError("thinking is off but `reasoning` is not empty", expected=expected, found=answer.quote())


def says(*texts: str) -> Expectation:
    """The content has at least one of ``texts``, in any letter case."""

    @_expectation(" or ".join(f'"{text}"' for text in texts) + " in the content")
    def expect(answer: Answer) -> None:
        if not any(text.casefold() in answer.content.casefold() for text in texts):
            wanted = " or ".join(f'"{text}"' for text in texts)
            raise WrongContentError(f"the answer does not say {wanted}", expected=wanted, found=answer.quote())

    return expect


@_expectation("Chinese characters, unless it was cut")
def answers_in_chinese(answer: Answer) -> None:
    """A whole answer to a question in Chinese has Chinese characters; a cut one may still be thinking in English."""
    if answer.was_cut or any("\u4e00" <= character <= "\u9fff" for character in answer.content):
        return
    raise WrongContentError(
        "the answer to a question in Chinese has no Chinese in it", expected="Chinese text", found=answer.quote()
    )


def calls(*wanted: dict[str, Any], name: str = "get_weather") -> Expectation:
    """Exactly the calls of ``name`` with the arguments ``wanted``, in any order, and no other.

    Raises:
        CheckFailedError: the call was lost in the text, or is no call.
        WrongContentError: nothing was called, or something else.
    """

    @_expectation(f"exactly the calls {_describe(wanted, name)}")
    def expect(answer: Answer) -> None:
        if not answer.tool_calls:
            _refuse_lost_call(answer)
            raise WrongContentError("no tool was called", expected=_describe(wanted, name), found=answer.quote())
        found = [(call.name, call.values()) for call in answer.tool_calls]
        strange = next((called for called, _ in found if called != name), None)
        if strange is not None:
            raise CheckFailedError(
                f"a tool was called that was not given: {strange}", expected=name, found=answer.quote()
            )
        if sorted(json.dumps(values, sort_keys=True) for _, values in found) != sorted(
            json.dumps(values, sort_keys=True) for values in wanted
        ):
            raise WrongContentError(
                "other calls than asked for", expected=_describe(wanted, name), found=answer.quote()
            )

    return expect


@_expectation("no call")
def calls_nothing(answer: Answer) -> None:
    """No tool was called and something was said."""
    if answer.tool_calls:
        raise CheckFailedError("a tool was called that nobody asked for", expected="no call", found=answer.quote())


def ends_with(*reasons: str) -> Expectation:
    """The finish_reason is one of ``reasons``."""

    @_expectation(f"finish_reason {' or '.join(reasons)}")
    def expect(answer: Answer) -> None:
        if answer.finish_reason not in reasons:
            wanted = " or ".join(reasons)
            raise CheckFailedError(
                f"finish_reason is {answer.finish_reason}, not {wanted}", expected=wanted, found=answer.quote()
            )

    return expect


def holds_json(wanted: dict[str, Any]) -> Expectation:
    """The content is one JSON object with the keys and kinds of ``wanted``, and its values.

    Raises:
        CheckFailedError: it is no JSON, or does not follow the schema.
        WrongContentError: a value is another one.
    """

    @_expectation(f"the content is {json.dumps(wanted)}")
    def expect(answer: Answer) -> None:
        try:
            found = json.loads(answer.content)
        except (ValueError, RecursionError) as error:
            raise CheckFailedError(
                "the content is no JSON", expected=json.dumps(wanted), found=answer.quote()
            ) from error
        if not isinstance(found, dict) or {key: type(value) for key, value in found.items()} != {
            key: type(value) for key, value in wanted.items()
        }:
            raise CheckFailedError(
                "the JSON does not follow the schema", expected=json.dumps(wanted), found=answer.quote()
            )
        if found != wanted:
            raise WrongContentError("the JSON has other values", expected=json.dumps(wanted), found=answer.quote())

    return expect


def is_one_of(choices: Sequence[str], right: str) -> Expectation:
    """The content is one of ``choices`` and nothing else, and the right one."""

    @_expectation(f'the content is "{right}" of {", ".join(choices)}')
    def expect(answer: Answer) -> None:
        content = answer.content.strip()
        if content not in choices:
            raise CheckFailedError(
                "the content is none of the choices", expected=" or ".join(choices), found=answer.quote()
            )
        if content != right:
            raise WrongContentError("another choice was made", expected=right, found=answer.quote())

    return expect


def stops_before(stop: str, *, after: str) -> Expectation:
    """The answer ended at the stop string, which is not in it, and said ``after`` before."""

    @_expectation(f'"{after}" but not "{stop}" in the content, stop_reason "{stop}"')
    def expect(answer: Answer) -> None:
        if stop in answer.content:
            raise CheckFailedError(
                f'the stop string "{stop}" did not stop', expected="nothing from it on", found=answer.quote()
            )
        if after not in answer.content:
            raise WrongContentError(f'the answer does not say "{after}"', expected=f'"{after}"', found=answer.quote())
        if answer.finish_reason != "stop" or answer.stop_reason != stop:
            raise CheckFailedError(
                "the answer did not end at the stop string",
                expected=f"finish_reason stop, stop_reason {stop}",
                found=f"{answer.finish_reason}, {answer.stop_reason}",
            )

    return expect


def was_cut_at(tokens: int) -> Expectation:
    """The answer was cut at exactly ``tokens`` tokens and says so."""

    @_expectation(f"finish_reason length after {tokens} tokens")
    def expect(answer: Answer) -> None:
        if not answer.was_cut or answer.usage.completion != tokens:
            raise CheckFailedError(
                "max_tokens did not cut the answer",
                expected=f"finish_reason length after {tokens} tokens",
                found=f"{answer.finish_reason} after {answer.usage.completion}",
            )

    return expect


@_expectation("as many tokens counted as log probabilities came")
def counts_tokens(answer: Answer) -> None:
    """As many tokens are counted as log probabilities came, one a token."""
    tokens = len(answer.logprobs or ())
    if tokens != answer.usage.completion:
        raise CheckFailedError(
            "other tokens are counted than came",
            expected=f"{tokens}, one for each logprob",
            found=answer.usage.completion,
        )


@_expectation("some but not all tokens counted as `reasoning_tokens`")
def counts_thinking(answer: Answer) -> None:
    """Some, but not all, of the tokens are counted as thinking."""
    counted = answer.usage.reasoning
    if counted is None or not 0 < counted < answer.usage.completion:
        raise CheckFailedError(
            "the thinking is not counted",
            expected=f"`reasoning_tokens` between 1 and {answer.usage.completion - 1}",
            found=counted,
        )


def has_logprobs(top: int) -> Expectation:
    """Every token of the answer has its log probability and the ``top`` likeliest, and the tokens are the text."""

    @_expectation(f"a log probability and the {top} likeliest for every token, which make the text")
    def expect(answer: Answer) -> None:
        found = answer.logprobs
        if not found:
            raise CheckFailedError("there are no log probabilities", expected="one a token", found=answer.quote())
        for item in found:
            # the first of the top is the token itself, which need not be the likeliest when the model samples
            if item.logprob > 0 or len(item.top) < top or max(item.top) > 0:
                raise CheckFailedError(
                    f"the log probabilities of {item.token!r} are implausible",
                    expected=f"at most 0, and {top} others of its place",
                    found=f"{item.logprob}, {item.top}",
                )
        text = "".join(item.token for item in found)
        if answer.content.strip() not in text:
            raise CheckFailedError("the tokens are not those of the answer", expected=answer.content, found=text)

    return expect


def _refuse_lost_call(answer: Answer) -> None:
    if any(markup in answer.reasoning for markup in _TOOL_MARKUP):
        raise CheckFailedError(
            "the tool call was lost inside `reasoning`", expected="`tool_calls`", found=answer.quote()
        )


def _describe(wanted: Sequence[dict[str, Any]], name: str) -> str:
    return ", ".join(f"{name}({json.dumps(values)})" for values in wanted)
