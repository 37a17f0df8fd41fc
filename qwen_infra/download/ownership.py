"""One downloader a folder: who comes second waits, and a dead one is replaced.

The kernel's lock decides between processes of one machine, and ends with its holder. On a network file system it may be
a fake that each machine grants by itself, so the owner also signs the folder every few seconds, and a signature of
another machine is respected until it is old. Ages are taken from the file system's own clock.
"""

import contextlib
import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from qwen_infra.download.exits import StoppedError

__all__ = ["FolderOwnership", "own_folder"]

SIGN_EVERY_S = 5.0
STALE_AFTER_S = 45.0
_TELL_EVERY_S = 10.0
_WAIT_S = 0.5
_LOCK, _OWNER, _CLOCK = "lock", "owner.json", "clock"


class FolderOwnership:
    """Proof that this process owns the folder; ``sign`` is to be called at least every few seconds."""

    def __init__(self, work: Path) -> None:
        self._path = work / _OWNER
        self._signed_at = 0.0

    def sign(self) -> None:
        now = time.monotonic()
        if now - self._signed_at >= SIGN_EVERY_S:
            self._signed_at = now
            with contextlib.suppress(OSError):
                os.utime(self._path)

    def take(self) -> None:
        draft = self._path.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "kernel": _kernel()}), "utf-8")
        draft.replace(self._path)
        self._signed_at = time.monotonic()

    def leave(self) -> None:
        self._path.unlink(missing_ok=True)


@contextlib.contextmanager
def own_folder(work: Path, say: Callable[[str], None], stop: threading.Event) -> Iterator[FolderOwnership]:
    """Wait until nobody else works in ``work``, and own it for the block's time.

    Raises:
        StoppedError: ``stop`` was set while it waited.
    """
    work.mkdir(parents=True, exist_ok=True)
    with (work / _LOCK).open("ab") as lock:
        _wait(work, lock, say, stop)
        ownership = FolderOwnership(work)
        ownership.take()
        try:
            yield ownership
        finally:
            ownership.leave()


def _wait(work: Path, lock: IO[bytes], say: Callable[[str], None], stop: threading.Event) -> None:
    told_at: float | None = None
    while not (_take_lock(lock) and _is_deserted(work)):
        now = time.monotonic()
        if told_at is None or now - told_at >= _TELL_EVERY_S:
            told_at = now
            owner = _read_owner(work) or {}
            age = _age(work)
            say(
                f"waiting: process {owner.get('pid', 'unknown')} on {owner.get('host', 'another machine')} downloads "
                f"into this folder{f', its last sign of life {age:.0f} s ago' if age is not None else ''}"
            )
        if stop.wait(_WAIT_S):
            raise StoppedError


def _take_lock(lock: IO[bytes]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks: the signature alone decides
    return True


def _is_deserted(work: Path) -> bool:
    """No owner, one of this machine (whose lock we hold now, so it is dead), or one whose signature is old."""
    owner = _read_owner(work)
    if owner is None or owner.get("kernel") == _kernel():
        return True
    age = _age(work)
    return age is None or age > STALE_AFTER_S


def _read_owner(work: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((work / _OWNER).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _age(work: Path) -> float | None:
    """Seconds since the owner signed, by the clock of the file system."""
    clock = work / _CLOCK
    try:
        clock.touch()
        return clock.stat().st_mtime - (work / _OWNER).stat().st_mtime
    except OSError:
        return None


def _kernel() -> str:
    """One value for all containers of a machine, another after each boot."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return socket.gethostname()
