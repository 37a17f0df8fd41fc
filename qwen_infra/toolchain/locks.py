"""One build at a time on a machine: the second process waits for the first, says so, and then finds the work done.

The lock is the kernel's (flock), so it goes with the process that holds it, however that ends.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from qwen_infra.errors import EnvironmentMissingError

_POLL_S = 0.3


@contextmanager
def hold_lock(file: Path, *, timeout_s: float, say: Callable[[str], None]) -> Iterator[None]:
    """Holds the lock; waits for another holder up to ``timeout_s`` seconds.

    Raises:
        EnvironmentMissingError: the other process still holds it.
    """
    with file.open("a+") as handle:
        _take(handle.fileno(), file, timeout_s, say)
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        # Closing the file gives the lock back. The file stays: removing it would let a third process lock another one
        # of its name.
        yield


def _take(descriptor: int, file: Path, timeout_s: float, say: Callable[[str], None]) -> None:
    deadline = time.monotonic() + timeout_s
    is_waiting = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = file.read_text().strip() or "unknown"
            if time.monotonic() >= deadline:
                raise EnvironmentMissingError(
                    "another process has been building programs for too long",
                    where=str(file),
                    found=f"process {holder} after {timeout_s:g} s",
                    mend=f"end it (kill {holder}) and run this again",
                ) from error
            if not is_waiting:
                is_waiting = True
                say(f"process {holder} is building programs already; waiting for it")
            time.sleep(_POLL_S)
        else:
            return
