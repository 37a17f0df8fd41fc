"""Structured output: what comes follows the schema, with thinking beside it and not in it."""

from typing import Any

from qwen_infra.verification.asking import Asked, Thinking, chat_case
from qwen_infra.verification.cases.thinking import FORMS
from qwen_infra.verification.conversation import CITY_SCHEMA, JSON_CAPITAL, JSON_CITY, MOOD, MOODS
from qwen_infra.verification.expectations import ends_with, holds_json, is_one_of

__all__ = ["CASES"]

FAMILY = "structured output"
_CITY = {"city": "Paris", "degrees": 21}
_BY_SCHEMA: dict[str, Any] = {
    "response_format": {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY_SCHEMA, "strict": True}}
}
_GUARDS = "structured output that skips the thinking or mixes it in (vLLM #47027, #50948)"

_SCHEMA_CASES: tuple[tuple[str, Thinking, bool, str], ...] = (
    ("json-schema", "off", False, "a JSON schema is followed, and holds the prompt's values"),
    ("json-schema-stream", "off", True, "a streamed answer follows the schema too"),
    ("json-schema-thinking", "on", False, "the model thinks freely and only the answer follows the schema"),
)

CASES = (
    *(
        chat_case(
            case_id,
            Asked({**JSON_CITY, **_BY_SCHEMA}, thinking=mode, stream=stream),
            holds_json(_CITY),
            ends_with("stop"),
            family=FAMILY,
            proves=proves,
            guards_against=_GUARDS,
        )
        for case_id, mode, stream, proves in _SCHEMA_CASES
    ),
    *(
        chat_case(
            f"json-object{ending}",
            Asked({**JSON_CAPITAL, "response_format": {"type": "json_object"}}, thinking="off", stream=stream),
            holds_json({"capital": "Paris"}),
            ends_with("stop"),
            family=FAMILY,
            proves=f"`json_object` without a schema gives one JSON object{', in a stream too' if stream else ''}",
            guards_against="JSON in a Markdown fence or between sentences, which no client can parse",
        )
        for ending, stream in FORMS
    ),
    chat_case(
        "structured-choice",
        Asked({**MOOD, "structured_outputs": {"choice": list(MOODS)}}, thinking="off"),
        is_one_of(MOODS, "positive"),
        family=FAMILY,
        proves="the answer is one of the choices given",
        guards_against="a structured output back end that is missing or does not know the tokenizer",
    ),
)
