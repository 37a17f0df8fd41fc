"""The requests of the suite as bodies of chat requests, exactly as sent; the miniature is trained on these very ones.

Sources: the first two are the reference deployment's (verification, section 5). Assertions live with the cases. A body
says nothing of thinking, streaming or the model: the case adds that.
"""

from typing import Any

__all__ = [
    "ANSWER_AFTER_RESULT",
    "CHINESE_CAPITAL",
    "CHINESE_INTRODUCTION",
    "CITY_SCHEMA",
    "CODES",
    "COUNT",
    "ENGLISH_CAPITAL",
    "JSON_CAPITAL",
    "JSON_CITY",
    "MOOD",
    "MOODS",
    "ONE_SENTENCE_SUMMARY",
    "PICTURE",
    "REMEMBERED",
    "SUM",
    "SUM_WITH_TOOLS",
    "SYSTEM_ORDER",
    "WEATHER",
    "WEATHER_BERLIN",
    "WEATHER_BOTH",
    "WEATHER_PARIS",
    "Body",
    "echo_code",
]

Body = dict[str, Any]

_LONG = 2048
"""Tokens: enough for the thinking of an easy question, and for seeing that a thinking does not end."""

CHINESE_INTRODUCTION: Body = {
    "messages": [{"role": "user", "content": "你好,请介绍一下你自己"}],
    "max_tokens": 100,
    "temperature": 0.7,
}

ONE_SENTENCE_SUMMARY: Body = {
    "messages": [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "Summarize Qwen3.5 in one sentence."},
    ],
    "temperature": 1,
    "max_tokens": 4096,
}


def _ask(question: str, *, system: str | None = None, max_tokens: int = _LONG, **more: Any) -> Body:
    before = [{"role": "system", "content": system}] if system else []
    return {"messages": [*before, {"role": "user", "content": question}], "max_tokens": max_tokens, **more}


WEATHER: Body = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "enum": ["Berlin", "Paris"]}},
            "required": ["city"],
        },
    },
}
_TOOLS: Body = {"tools": [WEATHER]}

SUM = _ask("What is 17 + 25? Answer with the number only.")
SUM_WITH_TOOLS = {**SUM, **_TOOLS}
WEATHER_BERLIN = _ask("What is the weather in Berlin?", **_TOOLS)
WEATHER_PARIS = _ask("What is the weather in Paris?", **_TOOLS)
WEATHER_BOTH = _ask("What is the weather in Berlin and in Paris? Ask for both at once.", **_TOOLS)
_CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Berlin"}'}}
ANSWER_AFTER_RESULT: Body = {
    "messages": [
        {"role": "user", "content": "What is the weather in Berlin?"},
        {"role": "assistant", "content": None, "tool_calls": [_CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Berlin: 21 degrees, sunny"},
    ],
    "max_tokens": _LONG,
    **_TOOLS,
}

CITY_SCHEMA: Body = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "enum": ["Berlin", "Paris"]},
        "degrees": {"type": "integer"},
    },
    "required": ["city", "degrees"],
    "additionalProperties": False,
}
JSON_CITY = _ask("It is 21 degrees in Paris. Write the city and the degrees as JSON.")
JSON_CAPITAL = _ask('What is the capital of France? Answer with a JSON object that has the one key "capital".')
MOODS = ("positive", "negative")
MOOD = _ask("Is this review positive or negative? I love this phone, it is excellent. Answer with one word.")

ENGLISH_CAPITAL = _ask("What is the capital of France? Answer with the name only.")
CHINESE_CAPITAL = _ask("法国的首都是哪座城市?只回答城市名。")
SYSTEM_ORDER = _ask("Good morning.", system="Whatever the user says, reply with the single word AMBER.")
REMEMBERED: Body = {
    "messages": [
        {"role": "user", "content": "My favourite colour is teal."},
        {"role": "assistant", "content": "I will remember that."},
        {"role": "user", "content": "What is my favourite colour? Answer with one word."},
    ],
    "max_tokens": _LONG,
}
COUNT = _ask("Count from 1 to 10, separated by commas.", max_tokens=256)

CODES = ("AMBER-41", "CEDAR-72", "DELTA-13", "FALCON-58")
"""Words that no answer has by chance."""


def echo_code(code: str) -> Body:
    """A request whose only right answer is ``code``."""
    return _ask(f"Repeat this code and nothing else: {code}", max_tokens=256)


_RED_SQUARE = (
    "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAAS0lEQVR42u3PQQkAAAgAsetfWiP4FgYrsKZeS0BAQEBAQEBAQEBAQEBAQEBAQE"
    "BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEDgsqnc8OJg6Ln3AAAAAElFTkSuQmCC"
)
"""PNG, 64 x 64 pixels of pure red, base64."""
PICTURE: Body = {
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_RED_SQUARE}"}},
                {"type": "text", "text": "What colour fills this picture? Answer with one word."},
            ],
        }
    ],
    "max_tokens": _LONG,
}
