"""How far the download is: counted by the workers, told by one reporter.

In a terminal bars, in a pod's log one line at most every ten seconds, for programs JSON lines; all on standard error.
"""

import json
import shutil
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any, Protocol

__all__ = ["Counters", "Reporter", "Snapshot", "choose_reporter", "format_bytes", "format_duration"]

_LINE_EVERY_S = 10.0
_BAR_EVERY_S = 0.2
_RATE_WINDOW_S = 20.0
_MOST_BARS = 8


@dataclass(frozen=True)
class Snapshot:
    """One moment. Done is what was there, adopted or fetched; the rate counts what was fetched."""

    done_bytes: int
    total_bytes: int
    done_files: int
    total_files: int
    bytes_per_second: float | None
    active: tuple[tuple[str, int, int], ...]
    """(name, bytes done, bytes in all) of each file that is arriving."""

    @property
    def seconds_left(self) -> float | None:
        if not self.bytes_per_second:
            return None
        return (self.total_bytes - self.done_bytes) / self.bytes_per_second


@dataclass
class _Active:
    """A file on its way: bytes that are right so far, and how many of them lay on the disk already."""

    size: int
    done: int = 0
    found: int = 0


@dataclass
class Counters:
    """What the workers count; every method may be called by any thread.

    ``fetched_bytes`` came over the network, those of a file that had to start anew too; ``found_bytes`` were there.
    """

    total_bytes: int = 0
    total_files: int = 0
    fetched_bytes: int = 0
    found_bytes: int = 0
    done_files: int = 0
    _wasted_bytes: int = 0
    """Of those fetched, what was thrown away again."""
    _active: dict[str, _Active] = field(default_factory=dict)
    _history: deque[tuple[float, int]] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, name: str, size: int) -> None:
        with self._lock:
            self._active[name] = _Active(size)

    def fetched(self, name: str, count: int) -> None:
        with self._lock:
            self.fetched_bytes += count
            if active := self._active.get(name):
                active.done += count

    def found(self, name: str, count: int) -> None:
        """Bytes that were there already and are right."""
        with self._lock:
            self.found_bytes += count
            if active := self._active.get(name):
                active.done += count
                active.found += count

    def lost(self, name: str) -> None:
        """All of a file that was not finished has to come again."""
        with self._lock:
            if active := self._active.get(name):
                self.found_bytes -= active.found
                self._wasted_bytes += active.done - active.found
                active.done = active.found = 0

    def finish(self, name: str) -> None:
        with self._lock:
            self._active.pop(name, None)
            self.done_files += 1

    def snapshot(self) -> Snapshot:
        with self._lock:
            now = time.monotonic()
            self._history.append((now, self.fetched_bytes))
            while now - self._history[0][0] > _RATE_WINDOW_S:
                self._history.popleft()
            then, before = self._history[0]
            rate = (self.fetched_bytes - before) / (now - then) if now > then else None
            active = tuple((name, file.done, file.size) for name, file in self._active.items())
            done = self.fetched_bytes + self.found_bytes - self._wasted_bytes
            return Snapshot(done, self.total_bytes, self.done_files, self.total_files, rate, active)


class Reporter(Protocol):
    """Tells a reader; ``tick`` is called several times a second."""

    def say(self, text: str) -> None: ...

    def tick(self, counters: Counters) -> None: ...

    def end(self, event: str, facts: dict[str, Any]) -> None: ...


def choose_reporter(style: str, stream: IO[str] | None = None) -> Reporter:
    """``auto`` (bars in a terminal, else lines), ``bars``, ``lines``, ``json`` or ``none``."""
    stream = stream or sys.stderr
    if style == "auto":
        style = "bars" if stream.isatty() else "lines"
    styles: dict[str, Callable[[IO[str]], Reporter]]
    styles = {"bars": _Bars, "lines": _Lines, "json": _JsonLines, "none": _Silence}
    return styles[style](stream)


def format_bytes(count: float) -> str:
    """``12.3 GiB``; three figures are enough for a reader."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError


def format_duration(seconds: float) -> str:
    """``2 h 05 min``, ``3 min 20 s`` or ``12 s``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _describe_progress(now: Snapshot) -> str:
    share = f" ({100 * now.done_bytes / now.total_bytes:.0f} %)" if now.total_bytes else ""
    rate = f", {format_bytes(now.bytes_per_second)}/s" if now.bytes_per_second else ""
    left = f", {format_duration(now.seconds_left)} left" if now.seconds_left else ""
    done = f"{format_bytes(now.done_bytes)} of {format_bytes(now.total_bytes)}"
    return f"{done}{share}, {now.done_files} of {now.total_files} files{rate}{left}"


class _Lines:
    """For a log."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._next = time.monotonic() + _LINE_EVERY_S

    def say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def tick(self, counters: Counters) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _LINE_EVERY_S
            self.say(_describe_progress(counters.snapshot()))

    def end(self, event: str, facts: dict[str, Any]) -> None:
        self.say(f"{'error: ' if event == 'failed' else ''}{facts['message']}")


class _JsonLines:
    """For programs: ``message``, ``progress``, then ``complete`` or ``failed``."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._next = 0.0

    def say(self, text: str) -> None:
        self._print({"event": "message", "text": text})

    def tick(self, counters: Counters) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + 1.0
        now = counters.snapshot()
        self._print(
            {
                "event": "progress",
                "bytes": now.done_bytes,
                "total_bytes": now.total_bytes,
                "files": now.done_files,
                "total_files": now.total_files,
                "bytes_per_second": now.bytes_per_second,
                "seconds_left": now.seconds_left,
            }
        )

    def end(self, event: str, facts: dict[str, Any]) -> None:
        self._print({"event": event, **facts})

    def _print(self, document: dict[str, Any]) -> None:
        print(json.dumps(document, ensure_ascii=False), file=self._stream, flush=True)


class _Bars:
    """For a terminal: one bar for everything, one for each file that is arriving."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._next = 0.0
        self._height = 0

    def say(self, text: str) -> None:
        self._erase()
        print(text, file=self._stream, flush=True)

    def tick(self, counters: Counters) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _BAR_EVERY_S
        now = counters.snapshot()
        width = max(40, shutil.get_terminal_size().columns - 1)
        rows = [_bar(now.done_bytes, now.total_bytes, _describe_progress(now), width)]
        rows += [_bar(done, size, name, width) for name, done, size in now.active[:_MOST_BARS]]
        self._erase()
        self._stream.write("".join(f"{row}\n" for row in rows))
        self._stream.flush()
        self._height = len(rows)

    def end(self, event: str, facts: dict[str, Any]) -> None:
        self.say(f"{'error: ' if event == 'failed' else ''}{facts['message']}")

    def _erase(self) -> None:
        """Take the bars off the screen: up to the first of them, then clear to the end."""
        if self._height:
            self._stream.write(f"\x1b[{self._height}A\x1b[J")
            self._height = 0


class _Silence:
    """For a caller that tells its reader itself."""

    def __init__(self, stream: IO[str]) -> None:
        del stream

    def say(self, text: str) -> None:
        del text

    def tick(self, counters: Counters) -> None:
        del counters

    def end(self, event: str, facts: dict[str, Any]) -> None:
        del event, facts


def _bar(done: int, total: int, label: str, width: int) -> str:
    cells = 20
    filled = round(cells * done / total) if total else cells
    return f"[{'#' * filled}{'.' * (cells - filled)}] {label}"[:width]
