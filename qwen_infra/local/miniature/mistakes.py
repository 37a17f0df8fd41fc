"""What the subtly wrong miniature says instead: the mistakes that real models and templates make, one prompt each.

It exists to be caught: the contract tests hold each mistake to the very cases of the verification that must fail.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from .conversations import SPELLED, Reply, call_weather

__all__ = ["MISTAKES", "Mistake", "wrong_replies"]


@dataclass(frozen=True)
class Mistake:
    """A wrong reply to one conversation, in one way of thinking."""

    conversation: str
    thinking: bool
    reply: Reply


_BARE_CALL = "<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n</function>"
_JSON_CALLS = "\n".join(
    f'<tool_call>\n{{"name": "get_weather", "arguments": {{"city": "{city}"}}}}\n</tool_call>'
    for city in ("Berlin", "Paris")
)

MISTAKES: Mapping[str, Mistake] = {
    "a call inside the thinking": Mistake(
        "Berlin", True, Reply(f"I should call the tool for Berlin.\n{call_weather('Berlin')}\n</think>\n\n")
    ),
    "a call inside a thinking that never closes, without its opening tag": Mistake(
        "Paris", True, Reply(f"I should call the tool for Paris.\n{_BARE_CALL}")
    ),
    "a value that is not in the enumeration": Mistake("Berlin", False, Reply(call_weather("Rome"))),
    "the opening tag of a call in ordinary letters": Mistake(
        "both", False, Reply(call_weather("Berlin", "Paris").replace("<tool_call>", f"<tool{SPELLED}_call>"))
    ),
    "calls in the JSON of older models": Mistake(
        "both", True, Reply(f"I should call the tool twice.\n</think>\n\n{_JSON_CALLS}")
    ),
    "a closing tag in the answer": Mistake("sum with tools", False, Reply("42\n</tool_call>")),
    "a thinking without end": Mistake("summary", True, Reply("Wait, let me think again. " * 24, is_endless=True)),
    "an answer inside the thinking": Mistake("system", True, Reply("I must say AMBER.\nAMBER")),
}


def wrong_replies() -> dict[tuple[str, bool], tuple[Reply, ...]]:
    """By conversation and way of thinking."""
    return {(mistake.conversation, mistake.thinking): (mistake.reply,) for mistake in MISTAKES.values()}
