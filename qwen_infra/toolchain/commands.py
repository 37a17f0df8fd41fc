"""Runs one command of a build: with a deadline, with progress, with its output kept, and with nothing left running
afterwards.

What the commands are is builds.py's business.
"""

import os
import queue
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TAIL_LINES = 12
_TICK_S = 0.5
_GRACE_S = 5


class CommandFailedError(Exception):
    """A command did not do its work.

    Args:
        command: as one would type it.
        reason: ``exit code 1``, ``not finished after 3600 s``.
        tail: its last lines.
    """

    def __init__(self, command: str, reason: str, tail: Sequence[str]) -> None:
        self.command = command
        self.reason = reason
        self.tail = tuple(tail)
        super().__init__(f"`{command}`: {reason}")


@dataclass(frozen=True)
class CommandRunner:
    """Runs commands of one step.

    Args:
        environment: for the commands, whole.
        log: gets every line that they print.
        timeout_s: for each command.
        tick: called at least twice a second with the line printed since, or ``None``.
    """

    environment: Mapping[str, str]
    log: Path
    timeout_s: float
    tick: Callable[[str | None], None]

    def run(self, command: Sequence[str | Path], *, folder: Path) -> list[str]:
        """The lines that the command printed, standard error included.

        Raises:
            CommandFailedError: it could not be started, failed, or took too long.
        """
        words = [str(word) for word in command]
        text = shlex.join(words)
        try:
            process = subprocess.Popen(
                words,
                cwd=folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            raise CommandFailedError(text, f"could not be started: {error.strerror}", ()) from error
        try:
            lines, timed_out = self._follow(process, text)
        finally:
            _stop(process)
        if timed_out:
            raise CommandFailedError(text, f"not finished after {self.timeout_s:g} s", last_lines(lines))
        if process.returncode != 0:
            raise CommandFailedError(text, _describe_end(process.returncode), last_lines(lines))
        return lines

    def _follow(self, process: subprocess.Popen[str], text: str) -> tuple[list[str], bool]:
        arrivals: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=_forward_lines, args=(process, arrivals), daemon=True).start()
        deadline = time.monotonic() + self.timeout_s
        lines: list[str] = []
        with self.log.open("a") as log:
            log.write(f"$ {text}\n")
            while time.monotonic() < deadline:
                try:
                    line = arrivals.get(timeout=_TICK_S)
                except queue.Empty:
                    self.tick(None)
                    continue
                if line is None:
                    return lines, not _has_ended(process, deadline)
                lines.append(line)
                log.write(line + "\n")
                self.tick(line)
        return lines, True


def last_lines(lines: Sequence[str]) -> list[str]:
    """The lines that tell why a build failed: the last ones, without the names of packages compiled and fetched."""
    telling = [line for line in lines if " " in line.strip() and not line.startswith("go: downloading ")] or list(lines)
    return telling[-_TAIL_LINES:]


def _describe_end(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"ended by signal {signal.Signals(-code).name}"


def _forward_lines(process: subprocess.Popen[str], arrivals: "queue.Queue[str | None]") -> None:
    assert process.stdout is not None
    with process.stdout as output:
        for line in output:
            arrivals.put(line.rstrip("\n"))
    arrivals.put(None)


def _has_ended(process: subprocess.Popen[str], deadline: float) -> bool:
    try:
        process.wait(timeout=max(_GRACE_S, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True


def _stop(process: subprocess.Popen[str]) -> None:
    """Ends the command and everything that it started; nothing to do when it has ended."""
    if process.poll() is None:
        _signal_group(process, signal.SIGTERM)
        try:
            process.wait(timeout=_GRACE_S)
        except subprocess.TimeoutExpired:
            _signal_group(process, signal.SIGKILL)
            process.wait(timeout=_GRACE_S)


def _signal_group(process: subprocess.Popen[str], number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return
