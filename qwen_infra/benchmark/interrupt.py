"""Ctrl-C as an event: the first one asks the running load to end, the next one does what it did before.

Only for a main thread's event loop; elsewhere signals cannot be handled and nothing is changed.
"""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["stop_on_interrupt"]


@contextmanager
def stop_on_interrupt(stop: asyncio.Event) -> Iterator[None]:
    """Set ``stop`` at the first SIGINT within the block; restore the former handler at it and at the block's end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    former = signal.getsignal(signal.SIGINT)

    def note_interrupt(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, former)
        loop.call_soon_threadsafe(stop.set)

    signal.signal(signal.SIGINT, note_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)
