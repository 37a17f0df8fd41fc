"""Ctrl-C while the command line waits for a person."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from qwen_infra.cli.prompt_interrupt import ctrl_c_heard


@pytest.fixture
def silent() -> Iterator[int]:
    """A descriptor from which nothing ever comes."""
    ours, theirs = os.pipe()
    yield ours
    os.close(theirs)
    os.close(ours)


def noted_without_waking_the_reader() -> None:
    """As a Ctrl-C that comes just before a read begins: Python knows of it, the read does not end."""
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)


def test_a_ctrl_c_that_did_not_end_the_read_is_heard_all_the_same(silent: int) -> None:
    threading.Timer(0.3, noted_without_waking_the_reader).start()
    with pytest.raises(KeyboardInterrupt), ctrl_c_heard():
        os.read(silent, 1)


def test_a_ctrl_c_is_heard_once() -> None:
    heard = 0
    with ctrl_c_heard():
        for _ in range(3):
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                heard += 1
    assert heard == 1


def test_what_was_set_before_is_set_again(silent: int) -> None:
    before, threads = signal.getsignal(signal.SIGINT), threading.active_count()
    with pytest.raises(KeyboardInterrupt), ctrl_c_heard():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    assert signal.set_wakeup_fd(-1) == -1
    assert threading.active_count() == threads


def test_other_signals_do_not_end_the_wait() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
    try:
        with ctrl_c_heard():
            signal.raise_signal(signal.SIGUSR1)
            threading.Event().wait(0.2)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert seen == [signal.SIGUSR1]
