"""Ctrl-C while the command line waits for a person: it ends the wait, whenever it comes.

``input`` looks for a signal only when its ``read`` is interrupted. One that comes between the prompt's last character
and the ``read``, where a busy machine can hold the process for long, would be noted and then wait for the next key. So
the signal is sent again until it was heard.
"""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["ctrl_c_heard"]

_AGAIN_AFTER_S = 0.05


@contextmanager
def ctrl_c_heard() -> Iterator[None]:
    """Let Ctrl-C end a wait for a person at once; for the main thread only.

    asyncio's own handler would only note it, and ``input`` go on.

    Raises:
        KeyboardInterrupt: within the block, once, at Ctrl-C.
    """
    heard = threading.Event()

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        if not heard.is_set():
            heard.set()
            raise KeyboardInterrupt

    noted, note = socket.socketpair()
    note.setblocking(False)
    waiting = threading.get_ident()
    insisting = threading.Thread(target=_insist, args=(noted, heard, waiting), daemon=True)
    handler_before = signal.signal(signal.SIGINT, interrupt)
    notes_before = signal.set_wakeup_fd(note.fileno(), warn_on_full_buffer=False)
    insisting.start()
    try:
        yield
    finally:
        heard.set()
        signal.set_wakeup_fd(notes_before)
        note.close()
        insisting.join()
        noted.close()
        signal.signal(signal.SIGINT, handler_before)


def _insist(noted: socket.socket, heard: threading.Event, waiting: int) -> None:
    """Send SIGINT to the thread ``waiting`` from the first one noted until one was heard, or none can come."""
    while number := noted.recv(1):
        while number[0] == signal.SIGINT and not heard.wait(_AGAIN_AFTER_S):
            signal.pthread_kill(waiting, signal.SIGINT)
