"""What the miniature learns by heart, as data: the requests of the verification, and what to answer.

Each conversation is learned with thinking and without. The texts of the requests are those of
``qwen_infra.verification``; a test keeps the two together.
"""

import json
from dataclasses import dataclass
from typing import Any

__all__ = ["CONVERSATIONS", "Conversation", "tool_texts"]

Tool = dict[str, Any]


@dataclass(frozen=True)
class Conversation:
    """One question with its thought and its answer; ``messages`` are those before the answer."""

    messages: tuple[dict[str, str], ...]
    thought: str
    answer: str
    tools: tuple[Tool, ...] = ()

    def texts(self) -> list[str]:
        """Every text in it, for the tokenizer's training."""
        return [*(message["content"] for message in self.messages), self.thought, self.answer]


def _ask(question: str, *, system: str | None = None) -> tuple[dict[str, str], ...]:
    user = {"role": "user", "content": question}
    return ({"role": "system", "content": system}, user) if system else (user,)


def _call_weather(city: str) -> str:
    """A call in the XML that vLLM's parser ``qwen3_coder`` reads."""
    return f"<tool_call>\n<function=get_weather>\n<parameter=city>\n{city}\n</parameter>\n</function>\n</tool_call>"


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

CONVERSATIONS: tuple[Conversation, ...] = (
    Conversation(_ask("你好,请介绍一下你自己"), "用户想认识我。", "我是Qwen3.5,一个开放的大语言模型。"),
    Conversation(
        _ask("Summarize Qwen3.5 in one sentence.", system="You are a helpful assistant."),
        "The user wants one sentence.",
        "Qwen3.5 is a family of open multimodal language models.",
    ),
    Conversation(_ask("What is 17 + 25? Answer with the number only."), "17 plus 25 is 42.", "42"),
    *(
        Conversation(
            _ask(f"What is the weather in {city}?"),
            f"I should call the tool for {city}.",
            _call_weather(city),
            (_WEATHER,),
        )
        for city in ("Berlin", "Paris")
    ),
)


def tool_texts() -> list[str]:
    """The tools as JSON, for the tokenizer's training."""
    return [json.dumps(_WEATHER)]
