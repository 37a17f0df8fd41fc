"""How every command speaks: results on standard output, progress and errors on standard error, one JSON document."""

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from qwen_infra.errors import QwenInfraError

__all__ = ["has_colour", "print_error", "print_json", "print_table", "say", "say_over"]

_WIDTH = 80
_RED = "\033[1;31m"
_GREEN = "\033[32m"
_PLAIN = "\033[0m"


def print_json(value: Any) -> None:
    """The one JSON document of a command run with ``--json``; at once, since ``connect`` goes on after it."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str), flush=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """A table of at most 80 columns (or the terminal's, when narrower); the last column is the one that wraps.

    Args:
        columns: headings, from left to right.
        rows: one value a column; text is shown as it is, never as markup. ``None`` is shown as ``-``.
        right: headings of the columns that are aligned to the right, such as numbers.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.ASCII2, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for heading in columns:
        is_last = heading == columns[-1]
        table.add_column(
            heading, justify="right" if heading in right else "left", no_wrap=not is_last, ratio=1 if is_last else None
        )
    for row in rows:
        table.add_row(*(Text("-" if value is None else str(value)) for value in row))
    width = min(_WIDTH, shutil.get_terminal_size((_WIDTH, 24)).columns)
    colours = has_colour(sys.stdout)
    console = Console(
        width=width, force_terminal=colours, color_system="standard" if colours else None, highlight=False
    )
    with console.capture() as capture:
        console.print(table)
    print("\n".join(line.rstrip() for line in capture.get().rstrip().splitlines()))


def say(message: str) -> None:
    """A line of progress."""
    print(message, file=sys.stderr, flush=True)


def say_over(message: str) -> None:
    """Live progress: replaces the line before on a terminal, silent elsewhere."""
    if sys.stderr.isatty():
        print(f"\r\033[K{message[:100]}", end="", file=sys.stderr, flush=True)


def print_error(error: QwenInfraError) -> None:
    """An error as one block: what and where, found and expected, the command that mends it.

    On a terminal it is wrapped and coloured; elsewhere every part stays on one line, so that it can be searched.
    """
    place = f"{error.where}: " if error.where else ""
    _print_labelled("error: ", f"{place}{error.what}", _RED, "  ")
    for label, value in (("found", error.found), ("expected", error.expected), ("mend", error.mend)):
        if value is not None:
            _print_labelled(f"  {label + ':':<10}", str(value), _GREEN if label == "mend" else "", " " * 12)


def _print_labelled(label: str, text: str, colour: str, indent: str) -> None:
    if not sys.stderr.isatty():
        print(f"{label}{text}", file=sys.stderr)
        return
    width = shutil.get_terminal_size((_WIDTH, 24)).columns
    lines = textwrap.wrap(label + text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    first, *more = lines
    if colour and has_colour(sys.stderr):
        first = f"{colour}{label}{_PLAIN}{first[len(label) :]}"
    print("\n".join([first, *more]), file=sys.stderr)


def has_colour(stream: TextIO) -> bool:
    """Whether colours may be written to ``stream``: a terminal, and none of NO_COLOR and TERM=dumb."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
