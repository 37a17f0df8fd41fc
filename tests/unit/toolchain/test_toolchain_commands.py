import os
import sys
from pathlib import Path

import pytest

from qwen_infra.toolchain.commands import CommandFailedError, CommandRunner, last_lines


def runner(tmp_path: Path, *, timeout_s: float = 240, ticks: list[str | None] | None = None) -> CommandRunner:
    return CommandRunner(
        {"PATH": "/usr/bin:/bin", "GREETING": "hello"},
        tmp_path / "log",
        timeout_s,
        (ticks if ticks is not None else []).append,
    )


def test_the_lines_of_both_outputs_are_returned(tmp_path: Path) -> None:
    assert runner(tmp_path).run(["sh", "-c", "echo out; echo err >&2"], folder=tmp_path) == ["out", "err"]


def test_the_command_sees_only_the_given_environment_and_folder(tmp_path: Path) -> None:
    assert runner(tmp_path).run(["sh", "-c", 'echo "$GREETING $HOME"; pwd'], folder=tmp_path) == [
        "hello ",
        str(tmp_path),
    ]


def test_the_command_and_its_output_are_kept_in_the_log(tmp_path: Path) -> None:
    runner(tmp_path).run(["echo", "one two"], folder=tmp_path)

    assert (tmp_path / "log").read_text() == "$ echo 'one two'\none two\n"


def test_every_line_is_shown_as_it_comes(tmp_path: Path) -> None:
    ticks: list[str | None] = []
    runner(tmp_path, ticks=ticks).run(["sh", "-c", "echo a; sleep 0.7; echo b"], folder=tmp_path)

    assert (ticks[0], None in ticks, ticks[-1]) == ("a", True, "b")


def test_a_failure_tells_the_exit_code_and_the_last_lines(tmp_path: Path) -> None:
    with pytest.raises(CommandFailedError) as caught:
        runner(tmp_path).run(["sh", "-c", "echo it is broken; exit 7"], folder=tmp_path)

    assert (caught.value.reason, caught.value.tail) == ("exit code 7", ("it is broken",))


def test_a_command_that_was_killed_is_told_from_one_that_failed(tmp_path: Path) -> None:
    with pytest.raises(CommandFailedError, match="ended by signal SIGKILL"):
        runner(tmp_path).run(["sh", "-c", "kill -9 $$"], folder=tmp_path)


def test_a_command_that_does_not_exist_is_a_failure_of_that_command(tmp_path: Path) -> None:
    with pytest.raises(CommandFailedError, match="`/nowhere/go build`: could not be started: No such file"):
        runner(tmp_path).run(["/nowhere/go", "build"], folder=tmp_path)


def test_a_command_that_takes_too_long_is_ended_with_everything_that_it_started(tmp_path: Path) -> None:
    # Both processes hold the pipe's write end; its reader sees the end of the file once neither lives.
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(CommandFailedError, match=r"not finished after 1 s"):
        runner(tmp_path, timeout_s=1).run(["sh", "-c", "exec 3>pipe; sleep 60 & sleep 60"], folder=tmp_path)
    os.set_blocking(reader, True)
    rest = os.read(reader, 1)
    os.close(reader)

    assert rest == b""


def test_output_that_is_not_text_is_no_obstacle(tmp_path: Path) -> None:
    program = "import sys; sys.stdout.buffer.write(b'\\xff\\n')"

    assert runner(tmp_path).run([sys.executable, "-c", program], folder=tmp_path) == ["�"]


def test_the_names_of_packages_do_not_hide_the_reason() -> None:
    noise = [
        line for n in range(50) for line in (f"example.org/fine{n}", f"go: downloading example.org/fine{n} v1.0.0")
    ]
    lines = ["# example.org/broken", "main.go:3:1: undefined: x", *noise]

    assert last_lines(lines) == lines[:2]


def test_output_of_single_words_is_shown_when_there_is_no_other() -> None:
    assert last_lines(["panic"]) == ["panic"]
