"""What the simulated model answers: a small table of known questions, else a sentence that says it is simulated.

No model has read anything. The table holds what a check may expect of a right model.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from qwen_infra.simulator.arithmetic import find_expression
from qwen_infra.simulator.reply import Reply, ToolCall
from qwen_infra.simulator.tool_answers import (
    Tool,
    call_tools,
    choose_tools,
    find_enum_value,
    follow_schema,
)

__all__ = ["Choices", "Conversation", "answer", "complete_text", "write_structured"]

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_ECHO = re.compile(
    r"(?i:\b(?:repeat|say|reply|answer|respond)\b)(?i:\s+(?:to|with|exactly|only|just|the|this|text|every|each|any"
    r"|question|message|always|single|code|and|nothing|else))*\s*(?:[\"'“`]([^\"'”`]+)[\"'”`]|(?i:words?)\s+[\"'“`]?([\w-]+)|:\s*(.+?)[.\s]*$"
    r"|([A-Z][A-Z0-9_-]+)\b)"
)
_OWN_FACT = re.compile(r"\bmy (?:favou?rite )?(\w+) is (?:called )?(\w[\w-]*)", re.IGNORECASE)
_OWN_QUESTION = re.compile(r"what(?: i|')s my (?:favou?rite )?(\w+)", re.IGNORECASE)
_COUNT = re.compile(r"count (?:up )?from (\d{1,4}) to (\d{1,4})", re.IGNORECASE)
_CAPITAL = re.compile(r"capital (?:city )?of (\w+)", re.IGNORECASE)
_CHINESE_CAPITAL = re.compile(r"([\u4e00-\u9fff]{2})的首都")
_CHINESE_CAPITALS = {"法国": "巴黎", "德国": "柏林", "中国": "北京"}
_CAPITALS = {
    "france": "Paris",
    "germany": "Berlin",
    "italy": "Rome",
    "spain": "Madrid",
    "japan": "Tokyo",
    "china": "Beijing",
}
_JSON_KEY = re.compile(r'\bkey "(\w+)"')
_PICTURE = re.compile(r"\[picture: (\w+)\]")
_ENGLISH_SUMMARY = "Qwen3.5 is a family of open multimodal language models that think before they answer."
_CHINESE_INTRODUCTION = "我是Qwen3.5,一个开放的大语言模型,可以回答问题、写作和编程。"
_ENGLISH_INTRODUCTION = "I am Qwen3.5, an open large language model."
_ENGLISH_FILLER = "This is a simulated answer: no model has read the question."
_CHINESE_FILLER = "这是模拟器的回答,没有模型读过这个问题。"


class Choices(tuple[str, ...]):
    """Texts of which structured output has to be one, as they are and not as JSON."""

    __slots__ = ()


class Conversation:
    """The messages of a chat request as plain text, with its tools and its output schema."""

    def __init__(self, messages: list[tuple[str, str]], *, is_forgetful: bool = False, is_blind: bool = False) -> None:
        self.messages = messages
        self.is_blind = is_blind
        self.system = "" if is_forgetful else "\n".join(text for role, text in messages if role == "system")
        users = [text for role, text in messages if role == "user"]
        self.question = users[-1] if users else ""
        self.earlier = [] if is_forgetful else users[:-1]
        self.last_role = messages[-1][0]

    @property
    def is_chinese(self) -> bool:
        """Whether the question is Chinese."""
        return bool(_CHINESE.search(self.question))

    def tool_results(self) -> list[str]:
        """Contents of the tool messages at the end, oldest first."""
        results: list[str] = []
        for role, text in reversed(self.messages):
            if role != "tool":
                break
            results.insert(0, text)
        return results


def answer(
    conversation: Conversation,
    *,
    tools: list[Tool],
    tool_choice: str | None,
    is_parallel: bool,
    schema: Any = None,
) -> Reply:
    """The reply with its reasoning; the caller drops the reasoning when thinking is off.

    Args:
        conversation: the messages.
        tools: the request's tools.
        tool_choice: ``none``, ``auto``, ``required``, or ``name:<function>``; None without tools.
        is_parallel: whether more than one call is allowed.
        schema: JSON schema of structured output, its ``Choices``, True for any JSON object, None for text.
    """
    calls = _choose_calls(conversation, tools, tool_choice, is_parallel=is_parallel)
    if calls:
        names = " and ".join(dict.fromkeys(call.name for call in calls))
        return Reply(reasoning=f"The question needs {names}, so I call it.", tool_calls=calls)
    reasoning = "用户在提问,我直接回答。" if conversation.is_chinese else "The user wants a short answer."
    if schema is not None:
        return Reply(reasoning=reasoning, content=write_structured(schema, conversation))
    return Reply(reasoning=reasoning, content=answer_text(conversation))


def write_structured(schema: Any, conversation: Conversation) -> str:
    """Structured output: the smallest value of the schema with the question's values, or one of the given choices."""
    if isinstance(schema, Choices):
        return str(find_enum_value(list(schema), conversation.question))
    if schema is True:
        key = _JSON_KEY.search(conversation.question)
        return json.dumps({key[1] if key else "answer": answer_text(conversation)}, ensure_ascii=False)
    return json.dumps(follow_schema(schema, conversation.question), ensure_ascii=False)


def answer_text(conversation: Conversation) -> str:
    """The content of an answer without tools."""
    if conversation.last_role == "tool":
        return "The tool reports: " + "; ".join(conversation.tool_results())
    for rule in _RULES:
        text = rule(conversation)
        if text is not None:
            return text
    return _CHINESE_FILLER if conversation.is_chinese else _ENGLISH_FILLER


def complete_text(prompt: str) -> str | None:
    """A known continuation of a bare prompt, with its leading space; None when the prompt is not known."""
    found = find_expression(prompt[-200:])
    if found is not None:
        return f" {found[1]}"
    capital = _CAPITAL.search(prompt[-200:])
    if capital and capital[1].lower() in _CAPITALS:
        return f" {_CAPITALS[capital[1].lower()]}."
    return None


def _choose_calls(
    conversation: Conversation, tools: list[Tool], tool_choice: str | None, *, is_parallel: bool
) -> tuple[ToolCall, ...]:
    if not tools or tool_choice in {None, "none"}:
        return ()
    prompt = conversation.question
    if tool_choice == "auto":
        chosen = [] if conversation.last_role == "tool" else choose_tools(tools, prompt)
    elif tool_choice == "required":
        chosen = choose_tools(tools, prompt) or tools[:1]
    else:
        name = str(tool_choice).removeprefix("name:")
        chosen = [tool for tool in tools if tool["function"]["name"] == name]
        is_parallel = False
    return call_tools(chosen, prompt, is_parallel=is_parallel)


def _answer_system_order(conversation: Conversation) -> str | None:
    return _find_echo(conversation.system)


def _answer_own_fact(conversation: Conversation) -> str | None:
    asked = _OWN_QUESTION.search(conversation.question)
    if asked is None:
        return None
    facts = {kind.lower(): value for text in conversation.earlier for kind, value in _OWN_FACT.findall(text)}
    value = facts.get(asked[1].lower())
    return "I do not know." if value is None else f"Your {asked[1]} is {value}."


def _answer_arithmetic(conversation: Conversation) -> str | None:
    found = find_expression(conversation.question)
    if found is None:
        return None
    is_bare = re.search(r"(?i:\bonly\b|\bjust\b)|只", conversation.question) is not None
    return str(found[1]) if is_bare else f"{found[0]} = {found[1]}"


def _answer_count(conversation: Conversation) -> str | None:
    match = _COUNT.search(conversation.question)
    return None if match is None else ", ".join(str(n) for n in range(int(match[1]), int(match[2]) + 1))


def _answer_capital(conversation: Conversation) -> str | None:
    chinese = _CHINESE_CAPITAL.search(conversation.question)
    if chinese is not None:
        return _CHINESE_CAPITALS.get(chinese[1])
    match = _CAPITAL.search(conversation.question)
    return None if match is None else _CAPITALS.get(match[1].lower())


def _answer_picture(conversation: Conversation) -> str | None:
    match = _PICTURE.search(conversation.question)
    if match is None:
        return None
    return "I see no picture." if conversation.is_blind else match[1].capitalize()


def _answer_introduction(conversation: Conversation) -> str | None:
    question = conversation.question.lower()
    if "介绍" in question or "你是谁" in question:
        return _CHINESE_INTRODUCTION
    return _ENGLISH_INTRODUCTION if "introduce yourself" in question or "who are you" in question else None


def _answer_summary(conversation: Conversation) -> str | None:
    return _ENGLISH_SUMMARY if "summarize qwen3.5" in conversation.question.lower() else None


def _answer_echo(conversation: Conversation) -> str | None:
    return _find_echo(conversation.question)


def _find_echo(order: str) -> str | None:
    match = _ECHO.search(order)
    return None if match is None else next((group for group in match.groups() if group), None)


_RULES: tuple[Callable[[Conversation], str | None], ...] = (
    _answer_system_order,
    _answer_picture,
    _answer_introduction,
    _answer_summary,
    _answer_own_fact,
    _answer_arithmetic,
    _answer_count,
    _answer_capital,
    _answer_echo,
)
