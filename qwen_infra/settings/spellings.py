"""Every spelling of a value that the program reads, added to the schema of the stack file.

``pulumi config set --path`` writes ``0.9`` as a text; ``off`` is a text in YAML 1.2, which Pulumi and editors read, and
false in YAML 1.1; a top-level key may be a JSON text, or its level alone; with ``models`` each model may bring
what the shared keys lack. A schema that refuses one of these is wrong in an editor. Numbers in a text keep no bounds: a
schema cannot say them, and ``load_deployments`` does.
"""

from collections.abc import Callable, Mapping
from typing import Any

from qwen_infra.settings.several import MODELS, STACK_WIDE

__all__ = ["accept_spellings"]

Schema = dict[str, Any]

_PART = "PartOf"
_WORDS = ("true", "false", "t", "f", "yes", "no", "y", "n", "on", "off", "1", "0")
"""What pydantic takes for a boolean, in any case."""


def _in_any_case(word: str) -> str:
    return "".join(f"[{letter.upper()}{letter}]" if letter.isalpha() else letter for letter in word)


_TRUTH = f"^({'|'.join(map(_in_any_case, _WORDS))})$"
_WHOLE = r"^\s*[-+]?[0-9]+(_[0-9]+)*(\.0+)?\s*$"
_DECIMAL = r"^\s*[-+]?([0-9]+(_[0-9]+)*\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*$"
_AS_TEXT: Mapping[str, Schema] = {
    "boolean": {"type": ["boolean", "string", "integer"], "pattern": _TRUTH, "minimum": 0, "maximum": 1},
    "integer": {"type": ["integer", "string"], "pattern": _WHOLE},
    "number": {"type": ["number", "string"], "pattern": _DECIMAL},
}
_OFF: Mapping[str, tuple[str, ...]] = {"verification": ("level",), "benchmark": ("level", "workload")}
"""Keys whose level may stand alone, and what inside them may be ``off``, which YAML 1.1 reads as false."""
_JSON_TEXT: Schema = {"type": "string", "pattern": r"^\{"}


def accept_spellings(plain: Mapping[str, Any]) -> Schema:
    """The schema ``plain`` of a stack file, with every other spelling."""
    config = plain["properties"]["config"]
    keys: dict[str, Schema] = {name: dict(value) for name, value in config["properties"].items()}
    models = next(name for name in keys if name.endswith(f":{MODELS}"))
    namespace = models.removesuffix(MODELS)
    whole = _convert(plain["$defs"], _as_text)
    _add_off(whole)
    _require_a_model(whole["ModelSettings"])
    parts = {f"{_PART}{name}": _convert(value, _as_part) for name, value in _without_rules(whole).items()}
    own = {
        name.removeprefix(namespace): _alone(name.removeprefix(namespace), _convert(value, _as_part), whole)
        for name, value in keys.items()
        if name.removeprefix(namespace) not in STACK_WIDE
    }
    several = {**keys.pop(models)}
    several["additionalProperties"] = {**several["additionalProperties"], "properties": own}
    named = {name: _top_level(name.removeprefix(namespace), value, whole) for name, value in keys.items()}
    shared = {
        name: _top_level(name.removeprefix(namespace), _convert(value, _as_part), whole)
        if name.removeprefix(namespace) in own
        else named[name]
        for name, value in keys.items()
    }
    told = {name: {"description": _description(value, whole)} for name, value in keys.items()}
    choice = {
        "properties": {**told, models: {"description": several["description"], **_or_json_text(several)}},
        "then": {"properties": shared},
        "else": {**config["else"], "properties": named},
    }
    properties = {**plain["properties"], "config": {**config, **choice}}
    return {**plain, "properties": properties, "$defs": {**whole, **parts}}


def _convert(value: Any, change: Callable[[Schema], Schema]) -> Any:
    """``value`` with ``change`` applied to each object in it, the innermost first; nothing is changed in place."""
    if isinstance(value, list):
        return [_convert(item, change) for item in value]
    if not isinstance(value, dict):
        return value
    return change({key: _convert(item, change) for key, item in value.items()})


def _as_text(schema: Schema) -> Schema:
    kind = schema.get("type")
    return {**schema, **_AS_TEXT[kind]} if isinstance(kind, str) and kind in _AS_TEXT else schema


def _as_part(schema: Schema) -> Schema:
    """What may lack any key; the items of a list are whole, since lists are never merged."""
    found = {key: value for key, value in schema.items() if key != "required" or not isinstance(value, list)}
    if "$ref" in found:
        folder, _, name = str(found["$ref"]).rpartition("/")
        found["$ref"] = f"{folder}/{name if name.startswith(_PART) else _PART + name}"
    items = found.get("items")
    if isinstance(items, dict) and "$ref" in items:
        found["items"] = {**items, "$ref": str(items["$ref"]).replace(f"/{_PART}", "/")}
    return found


def _without_rules(definitions: Mapping[str, Schema]) -> dict[str, Schema]:
    return {
        name: {key: value for key, value in schema.items() if key not in {"if", "then"}}
        for name, schema in definitions.items()
    }


def _add_off(definitions: Mapping[str, Schema]) -> None:
    for key, words in _OFF.items():
        properties = definitions[_definition(key)]["properties"]
        for word in words:
            was = properties[word]
            about = {name: was.pop(name) for name in ("description", "default") if name in was}
            properties[word] = {**about, "anyOf": [was, {"const": False}]}


def _definition(key: str) -> str:
    return f"{key.capitalize()}Settings"


def _require_a_model(schema: Schema) -> None:
    """``name`` and ``precision``, unless the model is described in another way; null says nothing."""
    described = [{"required": [key], "properties": {key: {"not": {"type": "null"}}}} for key in ("hub", "custom")]
    schema["if"] = {"not": {"anyOf": described}}
    said = {"not": {"type": "null"}}
    schema["then"] = {"required": ["name", "precision"], "properties": {"name": said, "precision": said}}


def _description(value: Mapping[str, Any], definitions: Mapping[str, Schema]) -> str:
    name = str(value.get("$ref", "")).rpartition("/")[2]
    return str(value.get("description") or definitions[name].get("description"))


def _top_level(key: str, value: Schema, definitions: Mapping[str, Schema]) -> Schema:
    return _or_json_text(_alone(key, value, definitions)) if "$ref" in value else value


def _alone(key: str, value: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """A key whose level may stand alone."""
    if key not in _OFF:
        return value
    levels = definitions[_definition(key)]["properties"]["level"]["anyOf"][0]["enum"]
    return {"if": {"type": "object"}, "then": value, "else": {"enum": [*levels, False]}}


def _or_json_text(schema: Schema) -> Schema:
    return {"if": _JSON_TEXT, "else": schema}
