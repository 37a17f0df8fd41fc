import os
import pty
import re
import sys

import pytest

from qwen_infra.toolchain import progress as progress_module
from qwen_infra.toolchain.progress import Progress, clock, expected_minutes


@pytest.mark.parametrize(
    ("cores", "seconds", "words"),
    [
        (2, 840, "about 14 minutes on 2 cores"),
        (2, 20, "under a minute on 2 cores"),
        (2, 61, "about 1 minute on 2 cores"),
        (1, 60, "about 2 minutes on 1 core"),
        (4, 840, "about 7 minutes on 4 cores"),
        (64, 840, "about 4 minutes on 64 cores"),
    ],
)
def test_the_expected_time_is_for_the_cores_of_this_machine(
    monkeypatch: pytest.MonkeyPatch, cores: int, seconds: float, words: str
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)

    assert expected_minutes(seconds) == words


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.9, "0:59"), (187, "3:07"), (3600, "60:00")])
def test_elapsed_time_is_shown_in_minutes_and_seconds(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_a_step_says_which_of_how_many_it_is() -> None:
    lines: list[str] = []
    progress = Progress(2, lines.append)
    with progress.step("etcd 3.6.14"):
        pass
    with progress.step("kwok 0.8.0"):
        pass

    assert lines == [
        "[1/2] etcd 3.6.14 ...",
        "[1/2] etcd 3.6.14: done in 0:00",
        "[2/2] kwok 0.8.0 ...",
        "[2/2] kwok 0.8.0: done in 0:00",
    ]


def test_a_step_that_fails_is_not_called_done() -> None:
    lines: list[str] = []
    with pytest.raises(OSError, match="full"), Progress(1, lines.append).step("etcd 3.6.14"):
        raise OSError("full")

    assert lines == ["[1/1] etcd 3.6.14 ..."]


def test_frequent_ticks_do_not_flood_a_log() -> None:
    lines: list[str] = []
    progress = Progress(1, lines.append)
    with progress.step("etcd 3.6.14"):
        for _ in range(100):
            progress.tick("3 packages compiled")

    assert len(lines) == 2


def test_without_a_terminal_lines_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    Progress(1).say("building")

    assert capsys.readouterr() == ("", "building\n")


def read_all(terminal: int) -> str:
    text = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # Linux: no process has the other side open any more
            part = b""
        if not part:
            return text.decode()
        text += part


def test_on_a_terminal_one_line_is_rewritten(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    with open(slave, "w") as terminal:  # noqa: PTH123 - a descriptor, not a path
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setattr(progress_module, "_LIVE_EVERY_S", 0)
        progress = Progress(1)
        with progress.step("etcd 3.6.14"):
            progress.tick("3 packages compiled")
    text = read_all(master)
    os.close(master)

    clear = re.escape("\r\x1b[K[1/1] etcd 3.6.14: ")
    assert re.search(rf"{clear}\d:\d\d, 3 packages compiled{clear}done in \d:\d\d", text)
