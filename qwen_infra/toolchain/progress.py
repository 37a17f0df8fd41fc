"""What a person sees while programs are built: the expected time, the step, the time it has taken so far.

On a terminal one live line; elsewhere a plain line now and then. Nothing here runs anything.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Report = Callable[[str], None]

_PLAIN_EVERY_S = 20
_LIVE_EVERY_S = 0.5
_DEFAULT_COLUMNS = 80
_MEASURED_CORES = 2
_USEFUL_CORES = 8
"""More cores than this bring little: the linker and the largest packages run on one."""


def expected_minutes(seconds: float) -> str:
    """``about 14 minutes on 2 cores``: seconds measured on two cores, for the cores of this machine."""
    cores = os.cpu_count() or _MEASURED_CORES
    minutes = seconds * _MEASURED_CORES / min(cores, _USEFUL_CORES) / 60
    amount = "under a minute" if minutes < 1 else f"about {round(minutes)} minute{'s' if round(minutes) > 1 else ''}"
    return f"{amount} on {cores} core{'s' if cores > 1 else ''}"


def clock(seconds: float) -> str:
    """``3:07``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


class Progress:
    """Counts steps and shows where they stand.

    Args:
        steps: how many there will be.
        report: gets whole lines; ``None`` writes to standard error, with a live line on a terminal.
    """

    def __init__(self, steps: int, report: Report | None = None) -> None:
        self._steps = steps
        self._step = 0
        self._title = ""
        self._started = time.monotonic()
        self._shown = self._started
        self._is_live = report is None and sys.stderr.isatty()
        self._report = report or _write_line

    def say(self, line: str) -> None:
        """One line that stays."""
        self._clear()
        self._report(line)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """The next step; says when it starts and what it took."""
        self._step += 1
        self._title = title
        self._started = self._shown = time.monotonic()
        self.say(f"{self._head()} ...")
        yield
        self.say(f"{self._head()}: done in {clock(time.monotonic() - self._started)}")

    def tick(self, detail: str = "") -> None:
        """Called often while a step runs; shows the elapsed time when it is due."""
        now = time.monotonic()
        if now - self._shown < (_LIVE_EVERY_S if self._is_live else _PLAIN_EVERY_S):
            return
        self._shown = now
        line = f"{self._head()}: {clock(now - self._started)}" + (f", {detail}" if detail else "")
        if self._is_live:
            # A terminal without a size says 0.
            columns = os.get_terminal_size(sys.stderr.fileno()).columns or _DEFAULT_COLUMNS
            sys.stderr.write(f"\r\x1b[K{line[: columns - 1]}")
            sys.stderr.flush()
        else:
            self._report(line)

    def _head(self) -> str:
        return f"[{self._step}/{self._steps}] {self._title}"

    def _clear(self) -> None:
        if self._is_live:
            sys.stderr.write("\r\x1b[K")


def _write_line(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
