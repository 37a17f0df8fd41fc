"""The processes of a local cluster: recognised by a mark in their environment, ended with a deadline.

The mark finds children of children too, and those of an ``up`` that was killed half-way. Linux reads /proc; elsewhere
``ps`` tells the same.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["STATE_VARIABLE", "find_marked", "identify", "is_running", "signal_group", "stop_processes"]

STATE_VARIABLE = "QWEN_INFRA_LOCAL_STATE"
"""Every process started for a cluster has its state folder under this name in its environment."""

_PROC = Path("/proc")


def find_marked(folder: Path) -> list[int]:
    """Ids of the live processes that were started for the cluster in ``folder``, ours excepted."""
    end = "\0" if sys.platform == "linux" else " "
    wanted = f"{STATE_VARIABLE}={folder}{end}"
    return [pid for pid, variables in _environments() if pid != os.getpid() and wanted in variables]


def is_running(pid: int) -> bool:
    """Whether the process exists and is more than a zombie."""
    return identify(pid) is not None


def identify(pid: int) -> str | None:
    """A text that differs between two processes that had the same id: the start time. None: no such process."""
    if sys.platform == "linux":
        try:
            fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        state, start_ticks = fields[0], fields[19]  # fields 3 and 22 of proc(5)
        return None if state in "ZX" else start_ticks
    found = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to a process group that may be gone already."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS says EPERM for a group of zombies
        return


def stop_processes(pids: Iterable[int], *, grace_s: float = 10) -> list[int]:
    """SIGTERM, then SIGKILL after ``grace_s``; returns what still runs a moment later (nothing, normally)."""
    remaining = _send(pids, signal.SIGTERM)
    remaining = _wait(remaining, grace_s)
    remaining = _send(remaining, signal.SIGKILL)
    return _wait(remaining, 5)


def _send(pids: Iterable[int], number: signal.Signals) -> list[int]:
    reached = []
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
        reached.append(pid)
    return reached


def _wait(pids: list[int], timeout_s: float) -> list[int]:
    deadline = time.monotonic() + timeout_s
    while pids := [pid for pid in pids if is_running(pid)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return pids


def _environments() -> Iterator[tuple[int, str]]:
    """Process ids with their environment as text whose variables are separated by NUL (ps: by a blank)."""
    if sys.platform == "linux":
        yield from _proc_environments()
        return
    listing = subprocess.run(["ps", "-axwwE", "-o", "pid=,command="], capture_output=True, text=True, check=False)
    for line in listing.stdout.splitlines():
        pid, _, words = line.strip().partition(" ")
        yield int(pid), f"{words} "


def _proc_environments() -> Iterator[tuple[int, str]]:
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            variables = (entry / "environ").read_bytes()
        except OSError:  # ended meanwhile, or another user's
            continue
        yield int(entry.name), os.fsdecode(variables)
