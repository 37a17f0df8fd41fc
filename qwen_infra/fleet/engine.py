"""Pulumi run for a person who watches: its output is shown, and Ctrl-C lets it end its update instead of killing it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from qwen_infra.errors import EnvironmentMissingError

__all__ = ["Ended", "run_engine"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit code, and whether it was asked to stop."""

    code: int
    interrupted: bool = False


def run_engine(*words: str, folder: Path, say: Callable[[str], None]) -> Ended:
    """Run ``pulumi WORDS`` and wait for its end, whatever is signalled.

    The program has a process group of its own, so that one Ctrl-C is one request to stop: it then finishes the
    operation that runs, writes its state and gives up its lock. A second one ends it at once, and
    leaves a pending operation.

    Raises:
        EnvironmentMissingError: Pulumi is not on PATH.
    """
    child: subprocess.Popen[bytes] | None = None
    asked = 0

    def forward(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked += 1
        again = "" if asked > 1 else "; once more ends it at once, and leaves an operation pending"
        say(f"stopping: Pulumi ends the operation that runs{again}")
        if child is not None:
            child.send_signal(signal.SIGINT)

    before = {number: signal.signal(number, forward) for number in _SIGNALS}
    try:
        child = subprocess.Popen(
            ["pulumi", *words],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            process_group=0,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
        )
        if asked:
            child.send_signal(signal.SIGINT)
        return Ended(child.wait(), interrupted=asked > 0)
    except FileNotFoundError:
        raise EnvironmentMissingError("pulumi is not on PATH", mend="qwen-infra doctor tells how to get it") from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
