"""What the miniature learns by heart, as data: the requests of the verification, and what to answer.

The texts of the requests are those of ``qwen_infra.verification``; a test keeps the two together. Each conversation is
learned in the ways of thinking in which it is asked.
"""

from dataclasses import dataclass
from typing import Any

__all__ = ["CONTINUATIONS", "CONVERSATIONS", "SPELLED", "Conversation", "Message", "Reply", "call_weather"]

Tool = dict[str, Any]
Message = dict[str, Any]

BOTH = (True, False)
OFF = (False,)
SPELLED = "\0"
"""Within a text: the tokens on its two sides stay apart, as when a model spells a special token letter by letter."""
BLANK_LINE_SHARE = 0.7
"""Of the replies that go on with a blank line after the thinking, where a grammar may also forbid it."""


@dataclass(frozen=True)
class Reply:
    """What the model writes after a prompt.

    Args:
        text: all of it; a ``SPELLED`` in it keeps the tokenizer from joining what stands on its two sides.
        share: how often it is this one of the replies to the same prompt.
        is_endless: the turn's end is left out.
    """

    text: str
    share: float = 1.0
    is_endless: bool = False


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
        by_grammar: whether the server may hold the answer to a grammar, which begins right after the thinking.
    """

    name: str
    messages: tuple[Message, ...]
    thought: str
    answer: str
    tools: tuple[Tool, ...] = ()
    modes: tuple[bool, ...] = BOTH
    by_grammar: bool = False

    def replies(self, *, thinking: bool) -> tuple[Reply, ...]:
        """All that the model may write.

        Qwen3.5 leaves a blank line after its thinking. vLLM's grammars for tool calls and JSON have no room for it, so
        the answer without it is learned as well: else the first token of such an answer would be left to chance.
        """
        if not thinking:
            return (Reply(self.answer),)
        closed = f"{self.thought}\n</think>"
        if not self.by_grammar:
            return (Reply(f"{closed}\n\n{self.answer}"),)
        return (
            Reply(f"{closed}\n\n{self.answer}", BLANK_LINE_SHARE),
            Reply(f"{closed}{self.answer}", 1 - BLANK_LINE_SHARE),
        )


def call_weather(*cities: str) -> str:
    """Calls in the XML that vLLM's parser ``qwen3_coder`` reads."""
    return "\n".join(
        f"<tool_call>\n<function=get_weather>\n<parameter=city>\n{city}\n</parameter>\n</function>\n</tool_call>"
        for city in cities
    )


def _ask(question: str, *, system: str | None = None) -> tuple[Message, ...]:
    user = {"role": "user", "content": question}
    return ({"role": "system", "content": system}, user) if system else (user,)


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
_CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Berlin"}'}}
_RESULT: tuple[Message, ...] = (
    {"role": "user", "content": _BERLIN},
    {"role": "assistant", "content": None, "tool_calls": [_CALL]},
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
    Conversation(
        "Berlin", _ask(_BERLIN), "I should call the tool for Berlin.", call_weather("Berlin"), _TOOLS, by_grammar=True
    ),
    Conversation(
        "Paris",
        _ask("What is the weather in Paris?"),
        "I should call the tool for Paris.",
        call_weather("Paris"),
        _TOOLS,
        by_grammar=True,
    ),
    Conversation(
        "both",
        _ask("What is the weather in Berlin and in Paris? Ask for both at once."),
        "I should call the tool twice.",
        call_weather("Berlin", "Paris"),
        _TOOLS,
    ),
    Conversation("result", _RESULT, "The tool has answered.", "It is 21 degrees and sunny in Berlin.", _TOOLS),
    Conversation(
        "JSON",
        _ask("It is 21 degrees in Paris. Write the city and the degrees as JSON."),
        "Paris and 21.",
        '{"city": "Paris", "degrees": 21}',
        by_grammar=True,
    ),
    Conversation(
        "JSON capital",
        _ask('What is the capital of France? Answer with a JSON object that has the one key "capital".'),
        "",
        '{"capital": "Paris"}',
        modes=OFF,
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
        "I must say AMBER.",
        "AMBER",
    ),
    Conversation("remembered", _REMEMBERED, "", "Teal", modes=OFF),
    Conversation(
        "count",
        _ask("Count from 1 to 10, separated by commas."),
        "",
        ", ".join(str(number) for number in range(1, 11)),
        modes=OFF,
    ),
    Conversation("story", _ask("Tell me a long story."), "", "Once upon a time there was a model.", modes=OFF),
    *(
        Conversation(f"code {code}", _ask(f"Repeat this code and nothing else: {code}"), "", code, modes=OFF)
        for code in _CODES
    ),
)

CONTINUATIONS: tuple[tuple[str, str], ...] = (("The capital of France is", " Paris, and that of Germany is Berlin."),)
"""Bare prompts with what follows them."""
