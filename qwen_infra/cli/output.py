"""How every command speaks: results on standard output, progress and errors on standard error, one JSON document."""

import json
import sys
from typing import Any

from qwen_infra.errors import QwenInfraError

__all__ = ["print_error", "print_json", "say", "say_over"]


def print_json(value: Any) -> None:
    """The one JSON document of a command run with ``--json``."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def say(message: str) -> None:
    """A line of progress."""
    print(message, file=sys.stderr, flush=True)


def say_over(message: str) -> None:
    """Live progress: replaces the line before on a terminal, silent elsewhere."""
    if sys.stderr.isatty():
        print(f"\r\033[K{message[:100]}", end="", file=sys.stderr, flush=True)


def print_error(error: QwenInfraError) -> None:
    """An error as one block: what and where, found and expected, the command that mends it."""
    place = f"{error.where}: " if error.where else ""
    print(f"error: {place}{error.what}", file=sys.stderr)
    for label, value in (("found", error.found), ("expected", error.expected), ("mend", error.mend)):
        if value is not None:
            print(f"  {label + ':':<10}{value}", file=sys.stderr)
