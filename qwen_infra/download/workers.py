"""Doing many things at once and stopping all of them when one fails."""

import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from qwen_infra.download.exits import StoppedError, explain_stop

__all__ = ["run_in_parallel"]

_TICK_EVERY_S = 0.1
_STOP_GRACE_S = 5.0
_Result = TypeVar("_Result")


def run_in_parallel(
    tasks: Mapping[str, Callable[[], _Result]], jobs: int, stop: threading.Event, tick: Callable[[], None]
) -> dict[str, _Result]:
    """Results by name; ``tick`` is called about ten times a second meanwhile.

    The threads are daemons: one that hangs in a dead connection keeps nobody from ending.

    Raises:
        DownloadError: what the first task that failed raised, or TERMINATED when ``stop`` was set from outside.
    """
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in tasks:
        waiting.put(name)
    done: dict[str, _Result] = {}
    failures: list[Exception] = []

    def work() -> None:
        while not stop.is_set():
            try:
                name = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done[name] = tasks[name]()
            except StoppedError:
                return
            except Exception as error:  # noqa: BLE001 - raised again by the caller's thread
                failures.append(error)
                stop.set()

    threads = [threading.Thread(target=work, name=f"worker-{n}", daemon=True) for n in range(min(jobs, len(tasks)))]
    for thread in threads:
        thread.start()
    _await(threads, stop, tick)
    if failures:
        raise failures[0]
    if len(done) < len(tasks):
        raise explain_stop()
    return done


def _await(threads: list[threading.Thread], stop: threading.Event, tick: Callable[[], None]) -> None:
    """Until all have ended; once stopped, only for as long as noting what has arrived may take."""
    stopped_at: float | None = None
    while any(thread.is_alive() for thread in threads):
        tick()
        next(thread for thread in threads if thread.is_alive() or thread is threads[-1]).join(_TICK_EVERY_S)
        if stop.is_set():
            stopped_at = stopped_at or time.monotonic()
            if time.monotonic() - stopped_at > _STOP_GRACE_S:
                return
    tick()
