"""Faults of the model and of vLLM's parsers, which turn the right reply into a wrong one; not those of the wire."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from qwen_infra.simulator.faults import FaultSwitch
from qwen_infra.simulator.reply import Reply, ToolCall
from qwen_infra.simulator.tool_answers import Tool

__all__ = ["ReplyContext", "distort_reply"]

_NUMBER = re.compile(r"\d+")
_WRONG_SENTENCE = "Bananas are yellow and grow on trees."


@dataclass(frozen=True)
class ReplyContext:
    """What a fault has to know about the request."""

    tools: list[Tool]
    is_thinking: bool
    is_chinese: bool
    has_schema: bool


def distort_reply(reply: Reply, context: ReplyContext, faults: FaultSwitch) -> Reply:
    """``reply`` with every active fault applied, and without reasoning when thinking is off."""
    if not context.is_thinking and not faults.is_active("thinking-ignored"):
        reply = replace(reply, reasoning=None)
    for name, change in _CHANGES.items():
        if faults.is_active(name):
            reply = change(reply, context)
    return reply


def _make_wrong(reply: Reply, context: ReplyContext) -> Reply:
    if reply.content is None:
        return reply
    wrong = _NUMBER.sub(lambda match: str(int(match[0]) + 1), reply.content)
    if wrong == reply.content and not context.has_schema:
        wrong = _WRONG_SENTENCE
    return replace(reply, content=wrong)


def _answer_in_english(reply: Reply, context: ReplyContext) -> Reply:
    if not context.is_chinese or reply.content is None:
        return reply
    return replace(reply, content="I am a language model and I answer in English.")


def _change_arguments(reply: Reply, context: ReplyContext) -> Reply:
    schemas = {tool["function"]["name"]: tool["function"].get("parameters") or {} for tool in context.tools}
    calls = tuple(_change_call(call, schemas.get(call.name, {})) for call in reply.tool_calls)
    return replace(reply, tool_calls=calls)


def _change_call(call: ToolCall, schema: dict[str, Any]) -> ToolCall:
    properties = schema.get("properties") or {}
    changed = {}
    for key, value in json.loads(call.arguments).items():
        others = [other for other in properties.get(key, {}).get("enum") or () if other != value]
        if others:
            changed[key] = others[0]
        elif isinstance(value, str):
            changed[key] = "Atlantis"
        else:
            changed[key] = value + 1 if type(value) in {int, float} else value
    return ToolCall(call.name, json.dumps(changed, ensure_ascii=False))


def _break_arguments(reply: Reply, _: ReplyContext) -> Reply:
    return replace(reply, tool_calls=tuple(ToolCall(call.name, call.arguments[:-1]) for call in reply.tool_calls))


def _call_unasked(reply: Reply, context: ReplyContext) -> Reply:
    if reply.tool_calls or not context.tools:
        return reply
    return replace(reply, content=None, tool_calls=(ToolCall(context.tools[0]["function"]["name"], "{}"),))


def _lose_calls(reply: Reply, _: ReplyContext) -> Reply:
    if not reply.tool_calls:
        return reply
    text = "\n".join(call.as_xml() for call in reply.tool_calls)
    return Reply(reasoning=f"{reply.reasoning or ''}\n{text}".strip())


def _show_xml(reply: Reply, _: ReplyContext) -> Reply:
    if not reply.tool_calls:
        return reply
    return Reply(reasoning=reply.reasoning, content="\n".join(call.as_xml() for call in reply.tool_calls))


def _hide_answer(reply: Reply, _: ReplyContext) -> Reply:
    if reply.content is None:
        return reply
    return replace(reply, reasoning=f"{reply.reasoning or ''}\n{reply.content}".strip(), content=None)


def _show_thinking(reply: Reply, _: ReplyContext) -> Reply:
    thought = reply.reasoning or "I think about it."
    return replace(reply, reasoning=None, content=f"<think>\n{thought}\n</think>\n\n{reply.content or ''}")


def _violate_schema(reply: Reply, context: ReplyContext) -> Reply:
    return replace(reply, content='{"unexpected": [true, null]}') if context.has_schema else reply


# In this order: first what is called, then its arguments, then where it shows.
_CHANGES: dict[str, Callable[[Reply, ReplyContext], Reply]] = {
    "wrong-answer": _make_wrong,
    "wrong-language": _answer_in_english,
    "schema-violation": _violate_schema,
    "unasked-tool-call": _call_unasked,
    "wrong-tool-argument": _change_arguments,
    "lost-tool-call": _lose_calls,
    "tool-xml-in-content": _show_xml,
    "broken-tool-arguments": _break_arguments,
    "answer-in-reasoning": _hide_answer,
    "think-tags-in-content": _show_thinking,
}
