"""Tool calls in every way of choosing, thinking and streaming: the arguments must be those that the prompt names."""

from itertools import product

from qwen_infra.verification.asking import Asked, chat_case
from qwen_infra.verification.case import Case
from qwen_infra.verification.cases.thinking import FORMS, MODES
from qwen_infra.verification.conversation import (
    ANSWER_AFTER_RESULT,
    SUM_WITH_TOOLS,
    WEATHER_BERLIN,
    WEATHER_BOTH,
    WEATHER_PARIS,
    Body,
)
from qwen_infra.verification.expectations import Expectation, calls, calls_nothing, ends_with, says

__all__ = ["CASES"]

FAMILY = "tools"
_BERLIN, _PARIS = {"city": "Berlin"}, {"city": "Paris"}
_NAMED = {"type": "function", "function": {"name": "get_weather"}}
_LOST = "tool calls lost inside the thinking (vLLM #39056), XML in the content, arguments that are no JSON"

# way of choosing -> the request, what is expected, what it proves
_WAYS: dict[str, tuple[Body, tuple[Expectation, ...], str]] = {
    "none": (
        {**SUM_WITH_TOOLS, "tool_choice": "none"},
        (calls_nothing, says("42"), ends_with("stop")),
        "`tool_choice: none` calls nothing and answers",
    ),
    "auto": (
        {**WEATHER_BERLIN, "tool_choice": "auto"},
        (calls(_BERLIN), ends_with("tool_calls")),
        "the model calls the tool that the question needs, with the value that it names",
    ),
    "required": (
        {**WEATHER_PARIS, "tool_choice": "required"},
        (calls(_PARIS), ends_with("tool_calls")),
        "`tool_choice: required` calls a tool",
    ),
    "named": (
        {**WEATHER_BERLIN, "tool_choice": _NAMED},
        (calls(_BERLIN), ends_with("tool_calls", "stop")),
        "a named tool is called",
    ),
    "parallel": (
        {**WEATHER_BOTH, "tool_choice": "auto"},
        (calls(_BERLIN, _PARIS), ends_with("tool_calls")),
        "two calls in one answer stay two calls",
    ),
    "result": (
        {**ANSWER_AFTER_RESULT, "tool_choice": "auto"},
        (calls_nothing, says("21"), ends_with("stop")),
        "the result of a tool reaches the model, which answers from it",
    ),
}


def _make_cases() -> tuple[Case, ...]:
    return tuple(
        chat_case(
            f"tools-{way}-{mode}{ending}",
            Asked(_WAYS[way][0], thinking=mode, stream=stream),
            *_WAYS[way][1],
            family=FAMILY,
            proves=f"{_WAYS[way][2]}; thinking {mode}, {'streamed' if stream else 'whole'}",
            guards_against=_LOST,
            must_think=way != "result",
        )
        for way, mode, (ending, stream) in product(_WAYS, MODES, FORMS)
    )


CASES = (
    *_make_cases(),
    chat_case(
        "tools-unneeded",
        Asked({**SUM_WITH_TOOLS, "tool_choice": "auto"}, thinking="off"),
        calls_nothing,
        says("42"),
        family=FAMILY,
        proves="a tool that the question does not need is not called",
        guards_against="chat templates that push the model to call something",
    ),
    chat_case(
        "tools-one-at-a-time",
        Asked({**WEATHER_BOTH, "tool_choice": "auto", "parallel_tool_calls": False}, thinking="off"),
        calls(_BERLIN),
        family=FAMILY,
        proves="`parallel_tool_calls: false` gives one call",
        guards_against="agents that can only do one thing at a time being handed two",
    ),
)
