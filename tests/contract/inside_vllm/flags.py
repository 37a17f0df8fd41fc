"""Every flag of ``vllm serve`` as the real parser has it: names, values, types, choices, defaults."""

import argparse
import json
from collections.abc import Callable
from typing import Any

import vllm
from vllm.entrypoints.launchers.cli_args import make_arg_parser
from vllm.model_executor.layers.quantization import QUANTIZATION_METHODS
from vllm.utils.argparse_utils import FlexibleArgumentParser

from tests.contract.inside_vllm.exchange import answer_once

WORDS: dict[Any, str] = {None: "one", "?": "optional", "+": "many", 0: "none"}
TYPES = {
    "int": "integer",
    "float": "number",
    "str": "text",
    "human_readable_int": "human integer",
    "human_readable_int_or_auto": "human integer or auto",
    "loads": "json",
    "_compute_kwargs.<locals>.parse_dataclass": "json",
    "union_dict_and_str": "json or text",
    "NoneType": "text",
}
"""argparse takes a word as it is where no type was given."""


def describe_flags(_: Any) -> dict[str, Any]:
    parser = make_arg_parser(FlexibleArgumentParser(prog="vllm serve"))
    flags = [describe(action, parser) for action in parser._actions if action.option_strings]
    return {"version": vllm.__version__.partition("+")[0], "flags": sorted(flags, key=lambda flag: str(flag["name"]))}


def describe(action: argparse.Action, parser: FlexibleArgumentParser) -> dict[str, Any]:
    positive = [option for option in action.option_strings if not is_negation(action, option)]
    name = max((option for option in positive if option.startswith("--")), key=len)
    found: dict[str, Any] = {"name": name}
    if aliases := [option for option in positive if option != name]:
        found["aliases"] = aliases
    if negations := [option for option in action.option_strings if option not in positive]:
        found["negations"] = negations
    found["words"] = WORDS[action.nargs]
    if action.nargs != 0:
        found["type"], is_optional = describe_type(action.type)
        if is_optional:
            found["accepts_none"] = True
    if action.choices:
        found["choices"] = [choice for choice in action.choices if choice is not None]
        if is_folding(action.type):
            found["folds_case"] = True
    if name == "--quantization":
        found["choices"] = sorted(QUANTIZATION_METHODS)  # the parser takes any word, the engine only these
    found["default"] = describe_default(action.default)
    if action in parser._deprecated:
        found["deprecated"] = True
    return found


def is_folding(function: Any) -> bool:
    """The lambda of the backends' flags, which takes ``Flash-Infer`` for ``flash_infer``."""
    return getattr(function, "__name__", "") == "<lambda>" and function("A-B") == "a_b"


def is_negation(action: argparse.Action, option: str) -> bool:
    return isinstance(action, argparse.BooleanOptionalAction) and option.startswith("--no-")


def describe_type(function: Any) -> tuple[str, bool]:
    """A word for a parser's type, and whether the word None stands for no value (``optional_type``)."""
    name = getattr(function, "__qualname__", type(function).__name__)
    inner = inside(function)
    if name.startswith("optional_type."):
        return describe_type(inner)[0], True
    if name.startswith("parse_type."):
        return describe_type(inner)
    if name == "EngineArgs.add_cli_args.<locals>.<lambda>":
        return "text", False
    return TYPES[name], False


def inside(function: Any) -> Callable[[str], Any] | None:
    cells = getattr(function, "__closure__", None) or ()
    return next((cell.cell_contents for cell in cells if callable(cell.cell_contents)), None)


def describe_default(value: Any) -> Any:
    """JSON as it is; other values (dataclasses, enumerations, argparse's SUPPRESS) are left out."""
    if value == argparse.SUPPRESS:
        return None
    if isinstance(value, (set, frozenset, tuple)):
        value = sorted(value)
    try:
        json.dumps(value)
    except TypeError:
        return None
    return value


if __name__ == "__main__":
    answer_once(describe_flags)
