"""Which tool the simulated model calls and with what: words of the prompt against names, descriptions and enums.

Also the smallest instance of a JSON schema, for tool arguments and structured output alike.
"""

import json
import re
from typing import Any

from qwen_infra.simulator.api_errors import odd_shapes_refused
from qwen_infra.simulator.arithmetic import find_result
from qwen_infra.simulator.reply import ToolCall

__all__ = ["Tool", "build_instance", "call_tools", "choose_tools", "find_enum_value", "follow_schema"]

Tool = dict[str, Any]
"""One entry of the request's ``tools``, validated by ``protocol``."""

_WORD = re.compile(r"[A-Za-z]{4,}|[\u4e00-\u9fff]{2,}")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_PLACE = re.compile(r"\b(?:in|for|of|to|at|from)\s+([A-Z][\w-]+(?:\s+[A-Z][\w-]+)*)")
_NAME = re.compile(r"\b([A-Z][a-z]+)\b")
_QUOTED = re.compile(r"[\"'“”「]([^\"'“”」]+)[\"'“”」]")
_MAX_DEPTH = 8
_MAX_ITEMS = 1000
_MAX_CHARACTERS = 100_000
_BY_FORMAT = {
    "date": "2026-11-24",
    "date-time": "2026-11-24T12:00:00Z",
    "time": "12:00:00Z",
    "email": "person@example.com",
    "uri": "http://example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def choose_tools(tools: list[Tool], prompt: str) -> list[Tool]:
    """The tools that the prompt asks for, in the order of ``tools``: its words meet the tool's name, text or enums."""
    prompt_words = {word.lower() for word in _WORD.findall(prompt)}
    with odd_shapes_refused("Invalid JSON schema"):
        return [tool for tool in tools if _words_of(tool) & prompt_words]


def call_tools(tools: list[Tool], prompt: str, *, is_parallel: bool) -> tuple[ToolCall, ...]:
    """Calls of ``tools``; several enum values in the prompt give several calls, unless calls may not be parallel."""
    with odd_shapes_refused("Invalid JSON schema"):
        calls = [call for tool in tools for call in _calls_of(tool, prompt)]
    return tuple(calls if is_parallel else calls[:1])


def follow_schema(schema: Any, prompt: str) -> Any:
    """A small value that follows a client's schema, its references resolved.

    Raises:
        ApiError: it is no JSON schema; where it is wrong, is found while it is followed.
    """
    with odd_shapes_refused("Invalid JSON schema"):
        return build_instance(resolve_references(schema), prompt)


def build_instance(schema: Any, prompt: str, depth: int = 0, room: int = _MAX_ITEMS) -> Any:  # noqa: PLR0911 - one return for each kind
    """A small value that follows ``schema``, with the prompt's values where they fit.

    Understands type, properties, required, items, enum, const, default, anyOf/oneOf/allOf (first or merged), minimum,
    maximum, minLength, minItems and local ``$ref``; what it does not understand is taken as unconstrained. ``room``:
    items that arrays, each within the one around it, may come to.

    Raises:
        ValueError: it asks for more items.
    """
    if not isinstance(schema, dict) or depth > _MAX_DEPTH:
        return None
    schema = _merge(schema)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return find_enum_value(schema["enum"], prompt)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((item for item in kind if item != "null"), "null")
    if kind == "object":
        return _build_object(schema, prompt, depth, room)
    if kind == "array":
        count = max(1, int(schema.get("minItems", 1)))
        if count > room:
            raise ValueError(f"more than {_MAX_ITEMS} items are asked for")
        return [build_instance(schema.get("items", {}), prompt, depth + 1, room // count) for _ in range(count)]
    if kind in {"integer", "number"}:
        return _build_number(schema, prompt, is_integer=kind == "integer")
    return {"boolean": True, "null": None}.get(kind, _build_string(schema, prompt) if kind == "string" else None)


def find_enum_value(values: list[Any], prompt: str) -> Any:
    """The first value that occurs in the prompt, else the first of all."""
    return next((value for value in values if str(value).lower() in prompt.lower()), values[0])


def _calls_of(tool: Tool, prompt: str) -> list[ToolCall]:
    function = tool["function"]
    schema = resolve_references(function.get("parameters") or {"type": "object"})
    arguments = build_instance(schema, prompt)
    if not isinstance(arguments, dict):
        arguments = {}
    variants = [arguments]
    for name, part in (schema.get("properties") or {}).items():
        values = part.get("enum") if isinstance(part, dict) else None
        mentioned = [v for v in (values or ()) if str(v).lower() in prompt.lower()]
        if len(mentioned) > 1:
            variants = [{**arguments, name: value} for value in mentioned]
            break
    return [ToolCall(function["name"], json.dumps(variant, ensure_ascii=False)) for variant in variants]


def _words_of(tool: Tool) -> set[str]:
    function = tool["function"]
    text = f"{function['name'].replace('_', ' ')} {function.get('description') or ''}"
    properties = (function.get("parameters") or {}).get("properties") or {}
    for part in properties.values():
        if isinstance(part, dict):
            text += " " + " ".join(str(value) for value in part.get("enum") or ())
    return {word.lower() for word in _WORD.findall(text)} - {"with", "from", "that", "this", "what", "tool", "given"}


def resolve_references(schema: Any, root: Any = None, depth: int = 0) -> Any:
    """``schema`` with its local ``$ref`` replaced, down to a fixed depth."""
    root = schema if root is None else root
    if depth > _MAX_DEPTH:
        return {}
    if isinstance(schema, list):
        return [resolve_references(item, root, depth + 1) for item in schema]
    if not isinstance(schema, dict):
        return schema
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        target = root
        for part in reference[2:].split("/"):
            target = target.get(part, {}) if isinstance(target, dict) else {}
        return resolve_references(target, root, depth + 1)
    return {key: resolve_references(value, root, depth + 1) for key, value in schema.items()}


def _merge(schema: dict[str, Any]) -> dict[str, Any]:
    merged = dict(schema)
    for key in ("anyOf", "oneOf"):
        choices = [choice for choice in schema.get(key) or () if isinstance(choice, dict)]
        merged |= next((choice for choice in choices if choice.get("type") != "null"), {})
    for part in schema.get("allOf") or ():
        if isinstance(part, dict):
            merged["properties"] = (merged.get("properties") or {}) | (part.get("properties") or {})
            merged["required"] = [*(merged.get("required") or ()), *(part.get("required") or ())]
    return merged


def _build_object(schema: dict[str, Any], prompt: str, depth: int, room: int) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    names = schema.get("required") or list(properties)
    return {name: build_instance(properties.get(name, {}), prompt, depth + 1, room) for name in names}


def _build_number(schema: dict[str, Any], prompt: str, *, is_integer: bool) -> int | float:
    found = find_result(prompt)
    if found is None:
        numbers = _NUMBER.findall(prompt)
        found = float(numbers[0]) if numbers else 1.0
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if isinstance(low, int | float) and found <= low:
        found = low + (1 if "exclusiveMinimum" in schema else 0)
    if isinstance(high, int | float) and found >= high:
        found = high - (1 if "exclusiveMaximum" in schema else 0)
    return int(found) if is_integer or float(found).is_integer() else float(found)


def _build_string(schema: dict[str, Any], prompt: str) -> str:
    if schema.get("format") in _BY_FORMAT:
        return _BY_FORMAT[schema["format"]]
    for pattern in (_QUOTED, _PLACE, _NAME):
        found = pattern.findall(prompt)
        if found:
            text = str(found[-1])
            break
    else:
        text = "example"
    text = text.ljust(min(int(schema.get("minLength", 0)), _MAX_CHARACTERS), "x")
    return text[: int(schema["maxLength"])] if "maxLength" in schema else text
