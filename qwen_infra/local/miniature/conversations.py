"""What the miniature learns by heart, as data: the requests of the verification, and what to answer.

The texts of the requests are those of ``qwen_infra.verification``; a test keeps the two together. Each conversation is
learned in the ways of thinking in which it is asked. ``WRONG`` are the answers of the miniature that must not pass.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["CONTINUATIONS", "CONVERSATIONS", "WRONG", "Conversation", "all_texts"]

Tool = dict[str, Any]
Message = dict[str, Any]

BOTH = (True, False)
OFF = (False,)


@dataclass(frozen=True)
class Conversation:
    """One question with its thought and its answer; ``messages`` are those before the answer.

    Args:
        name: of the conversation.
        messages: as a chat request has them.
        thought: what is thought before the answer.
        answer: what is said or called.
        tools: as a chat request has them.
        modes: whether it is learned with thinking, without, or both.
    """

    name: str
    messages: tuple[Message, ...]
    thought: str
    answer: str
    tools: tuple[Tool, ...] = ()
    modes: tuple[bool, ...] = BOTH

    def reply(self, *, thinking: bool) -> str:
        """All that the model writes, up to the end of its turn."""
        return (f"{self.thought}\n</think>\n\n" if thinking else "") + self.answer


@dataclass(frozen=True)
class Reply:
    """What the wrong miniature writes instead; ``is_endless`` leaves out the end of the turn."""

    text: str
    is_endless: bool = field(default=False)


def _ask(question: str, *, system: str | None = None) -> tuple[Message, ...]:
    user = {"role": "user", "content": question}
    return ({"role": "system", "content": system}, user) if system else (user,)


def _call(*cities: str) -> str:
    """Calls in the XML that vLLM's parser ``qwen3_coder`` reads."""
    return "\n".join(
        f"<tool_call>\n<function=get_weather>\n<parameter=city>\n{city}\n</parameter>\n</function>\n</tool_call>"
        for city in cities
    )


_WEATHER: Tool = {
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
_TOOLS = (_WEATHER,)
_SUM = "What is 17 + 25? Answer with the number only."
_BERLIN = "What is the weather in Berlin?"
_RESULT: tuple[Message, ...] = (
    {"role": "user", "content": _BERLIN},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "get_weather", "arguments": '{"city": "Berlin"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "Berlin: 21 degrees, sunny"},
)
_REMEMBERED: tuple[Message, ...] = (
    {"role": "user", "content": "My favourite colour is teal."},
    {"role": "assistant", "content": "I will remember that."},
    {"role": "user", "content": "What is my favourite colour? Answer with one word."},
)
_CODES = ("AMBER-41", "CEDAR-72", "DELTA-13", "FALCON-58")

CONVERSATIONS: tuple[Conversation, ...] = (
    Conversation("introduction", _ask("你好,请介绍一下你自己"), "用户想认识我。", "我是Qwen3.5,一个开放的大语言模型。"),
    Conversation(
        "summary",
        _ask("Summarize Qwen3.5 in one sentence.", system="You are a helpful assistant."),
        "The user wants one sentence.",
        "Qwen3.5 is a family of open multimodal language models.",
    ),
    Conversation("sum", _ask(_SUM), "17 plus 25 is 42.", "42"),
    Conversation("sum with tools", _ask(_SUM), "No tool is needed: 17 plus 25 is 42.", "42", _TOOLS),
    Conversation("Berlin", _ask(_BERLIN), "I should call the tool for Berlin.", _call("Berlin"), _TOOLS),
    Conversation(
        "Paris", _ask("What is the weather in Paris?"), "I should call the tool for Paris.", _call("Paris"), _TOOLS
    ),
    Conversation(
        "both",
        _ask("What is the weather in Berlin and in Paris? Ask for both at once."),
        "I should call the tool twice.",
        _call("Berlin", "Paris"),
        _TOOLS,
    ),
    Conversation("result", _RESULT, "The tool has answered.", "It is 21 degrees and sunny in Berlin.", _TOOLS),
    Conversation(
        "JSON",
        _ask("It is 21 degrees in Paris. Write the city and the degrees as JSON."),
        "Paris and 21.",
        '{"city": "Paris", "degrees": 21}',
    ),
    Conversation(
        "mood",
        _ask("Is this review positive or negative? I love this phone, it is excellent. Answer with one word."),
        "",
        "positive",
        modes=OFF,
    ),
    Conversation(
        "English capital", _ask("What is the capital of France? Answer with the name only."), "", "Paris", modes=OFF
    ),
    Conversation("Chinese capital", _ask("法国的首都是哪座城市?只回答城市名。"), "", "巴黎", modes=OFF),
    Conversation(
        "system",
        _ask("Good morning.", system="Whatever the user says, reply with the single word AMBER."),
        "",
        "AMBER",
        modes=OFF,
    ),
    Conversation("remembered", _REMEMBERED, "", "Teal", modes=OFF),
    Conversation(
        "count",
        _ask("Count from 1 to 10, separated by commas."),
        "",
        ", ".join(str(number) for number in range(1, 11)),
        modes=OFF,
    ),
    *(
        Conversation(f"code {code}", _ask(f"Repeat this code and nothing else: {code}"), "", code, modes=OFF)
        for code in _CODES
    ),
)

CONTINUATIONS: tuple[tuple[str, str], ...] = (("The capital of France is", " Paris, and that of Germany is Berlin."),)
"""Bare prompts with what follows them."""

_CALL_OF_OLDER_MODELS = (
    '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Berlin"}}\n</tool_call>\n'
    '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>'
)
WRONG: Mapping[tuple[str, bool], Reply] = {
    # conversation and thinking -> what a subtly wrong model says
    ("Berlin", True): Reply(f"I should call the tool.\n{_call('Berlin')}\n</think>\n\n"),  # vLLM 0.32 mends this one
    ("Berlin", False): Reply(_call("Paris")),  # another value of the enumeration
    ("both", False): Reply(_CALL_OF_OLDER_MODELS),
    ("summary", True): Reply("Wait, let me think again. " * 24, is_endless=True),
}


def all_texts() -> list[str]:
    """Every text, for the tokenizer's training; those of both miniatures, which share it."""
    texts = ["get_weather\ncity: Berlin Paris"] * 2
    for conversation in CONVERSATIONS:
        contents = [message["content"] for message in conversation.messages if message["content"]]
        texts += [*contents, conversation.thought, conversation.answer] * 4
    texts += [text for pair in CONTINUATIONS for text in pair] * 4
    return texts + [reply.text for reply in WRONG.values()]
