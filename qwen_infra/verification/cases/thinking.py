"""Thinking by default, on and off, whole and streamed, on a question whose answer a right model cannot miss."""

from itertools import product

from qwen_infra.verification.asking import Asked, Thinking, chat_case
from qwen_infra.verification.conversation import SUM
from qwen_infra.verification.expectations import counts_thinking, ends_with, says

__all__ = ["CASES", "FORMS", "MODES"]

MODES: tuple[Thinking, ...] = ("default", "on", "off")
FORMS = (("", False), ("-stream", True))
"""The end of a case's id, and whether its answer is streamed."""

_PROVES = {
    "default": "a request that says nothing of thinking is answered as the model's card says",
    "on": "`enable_thinking: true` makes the model think, and the thinking is told from the answer",
    "off": "`enable_thinking: false` makes the model answer at once",
}

CASES = (
    *(
        chat_case(
            f"thinking-{mode}{ending}",
            Asked(SUM, thinking=mode, stream=stream),
            says("42"),
            ends_with("stop"),
            family="thinking",
            proves=f"{_PROVES[mode]}{', in a stream too' if stream else ''}",
            guards_against="0.8B and 2B answering into `reasoning`; a parser that splits streams otherwise than bodies",
        )
        for mode, (ending, stream) in product(MODES, FORMS)
    ),
    *(
        chat_case(
            f"reasoning-tokens{ending}",
            Asked(SUM, thinking="on", stream=stream),
            counts_thinking,
            family="thinking",
            proves="the tokens of the thinking are counted apart",
            guards_against="bills and quotas that cannot tell thinking from answers",
        )
        for ending, stream in FORMS
    ),
)
