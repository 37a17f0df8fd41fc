"""Pulumi run for a person who watches: its output is shown, and Ctrl-C lets it end its update instead of killing it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, cast

from qwen_infra.errors import EnvironmentMissingError

__all__ = ["Ended", "list_errors", "run_engine"]

_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_OUTCOMES = frozenset({"update failed", "preview failed", "Preview failed", "resource operations failed"})
"""What Pulumi says of every failure beside its reason."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit code, whether it was asked to stop, and the errors that it told, without repetition."""

    code: int
    interrupted: bool = False
    errors: tuple[str, ...] = ()


def list_errors(lines: Iterable[str]) -> tuple[str, ...]:
    """The reasons among Pulumi's lines: those of its closing diagnostics, or whatever it called an error before any."""
    plain = [_COLOR.sub("", line).strip() for line in lines]
    start = plain.index("Diagnostics:") if "Diagnostics:" in plain else 0
    told = [line.removeprefix("error: ") for line in plain[start:] if line.startswith("error: ")]
    reasons = [line.removeprefix("Preview failed: ") for line in told if line not in _OUTCOMES]
    return tuple(dict.fromkeys(reasons))


def run_engine(*words: str, folder: Path, say: Callable[[str], None]) -> Ended:
    """Run ``pulumi WORDS`` and wait for its end, whatever is signalled.

    The program has a process group of its own, so that one Ctrl-C is one request to stop: it then finishes the
    operation that runs, writes its state and gives up its lock. A second one ends it at once, and
    leaves a pending operation.

    Raises:
        EnvironmentMissingError: Pulumi is not on PATH.
    """
    child: subprocess.Popen[str] | None = None
    asked = passed_on = 0

    def forward(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked, passed_on
        asked += 1
        if child is not None:
            passed_on += 1
            child.send_signal(signal.SIGINT)
        again = "" if asked > 1 else "; once more ends it at once, and leaves an operation pending"
        with suppress(OSError):  # a terminal that hung up
            say(f"stopping: Pulumi ends the operation that runs{again}")

    before = {number: signal.signal(number, forward) for number in _SIGNALS}
    try:
        colors = ["--color", "always"] if sys.stderr.isatty() else []
        child = subprocess.Popen(
            ["pulumi", *words, *colors],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
        )
        if asked > passed_on:  # heard while the program was started
            child.send_signal(signal.SIGINT)
        lines = _show(child)
        return Ended(child.wait(), interrupted=asked > 0, errors=list_errors(lines))
    except FileNotFoundError:
        raise EnvironmentMissingError("pulumi is not on PATH", mend="qwen-infra doctor tells how to get it") from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show(child: "subprocess.Popen[str]") -> list[str]:
    """Pass on what the program prints, as it comes; the lines.

    Read to its end even where nobody reads it any more (a closed terminal, ``| head``): without its standard output
    Pulumi would be killed in the middle of an operation.
    """
    lines: list[str] = []
    with cast("IO[str]", child.stdout) as printed:
        for line in printed:
            with suppress(OSError):
                sys.stderr.write(line)
                sys.stderr.flush()
            lines.append(line)
    return lines
