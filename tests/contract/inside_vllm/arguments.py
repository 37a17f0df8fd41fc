"""What the real parser makes of command lines: the engine's arguments, or its refusal."""

import argparse
from pathlib import Path
from typing import Any

from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
from vllm.utils.argparse_utils import FlexibleArgumentParser

from tests.contract.inside_vllm.exchange import answer_once

HERE = str(Path(__file__).parent)
"""Stands in for the model's folder: offline, vLLM looks whether the folder exists before it reads anything of it."""


class RefusingParser(FlexibleArgumentParser):
    """Raises where the real one ends the process."""

    def error(self, message: str) -> Any:
        raise ValueError(message)


def parse_all(request: dict[str, Any]) -> list[dict[str, Any]]:
    """``request``: ``lines``, each the words after ``vllm``; ``wanted``, names of arguments to show."""
    root = RefusingParser(prog="vllm")
    serve = make_arg_parser(root.add_subparsers(dest="subparser", parser_class=RefusingParser).add_parser("serve"))
    assert isinstance(serve, RefusingParser)
    return [parse(root, line, request["wanted"]) for line in request["lines"]]


def parse(parser: RefusingParser, line: list[str], wanted: list[str]) -> dict[str, Any]:
    try:
        parsed = parser.parse_args(line)
        validate_parsed_serve_args(parsed)
        parsed.model = HERE
        engine = AsyncEngineArgs.from_cli_args(parsed)
    except (ValueError, TypeError, argparse.ArgumentError) as error:
        return {"refused": str(error)}
    return {"arguments": {name: plain(getattr(engine, name, getattr(parsed, name, None))) for name in wanted}}


def plain(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool, dict, list, type(None))) else str(value)


if __name__ == "__main__":
    answer_once(parse_all)
