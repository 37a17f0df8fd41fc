"""A file lock between processes that leaves no file behind.

Only advisory locks of the operating system: a killed holder releases its lock by dying.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qwen_infra.errors import EnvironmentMissingError

__all__ = ["hold_lock"]


@contextmanager
def hold_lock(path: Path, *, purpose: str, timeout_s: float = 120) -> Iterator[None]:
    """Hold the lock ``path``; waits at most ``timeout_s``.

    Raises:
        EnvironmentMissingError: somebody else held it for the whole time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = _acquire(path, purpose, time.monotonic() + timeout_s, timeout_s)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _acquire(path: Path, purpose: str, deadline: float, timeout_s: float) -> int:
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            if time.monotonic() > deadline:
                raise EnvironmentMissingError(
                    f"another process has been {purpose} for more than {timeout_s:.0f} s",
                    where=str(path),
                    mend="wait for it or end it, then repeat the command",
                ) from None
            time.sleep(0.1)
            continue
        if _is_current(path, descriptor):
            return descriptor
        os.close(descriptor)  # the former holder removed the file while we waited for it


def _is_current(path: Path, descriptor: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False
