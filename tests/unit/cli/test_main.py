"""What the command line does with a command line: help, version, completion, errors and exit codes."""

import errno
import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from qwen_infra import __version__
from qwen_infra.cli import main as command_line
from qwen_infra.cli.commands import COMMANDS
from qwen_infra.cli.lazy import load_command
from qwen_infra.errors import CheckFailedError, ConfigurationError, EnvironmentMissingError, QwenInfraError

HEAVY = {"httpx", "pulumi", "pulumi_kubernetes", "pydantic", "rich", "starlette", "yaml"}


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["qwen-infra", *arguments])
    with pytest.raises(SystemExit) as stopped:
        command_line.main()
    code = stopped.value.code
    return code if isinstance(code, int) else 0


def complete(words: str) -> list[str]:
    environment: Mapping[str, str] = {
        "_QWEN_INFRA_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    program = "from qwen_infra.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    return done.stdout.split()


def test_help_lists_the_commands_in_sections_and_tells_the_exit_codes(monkeypatch, capsys):
    assert call(monkeypatch, "--help") == 0

    shown = capsys.readouterr().out
    assert "Before a deployment:" in shown
    assert "  render" in shown
    assert "Exit codes: 0 done" in shown


def test_help_imports_nothing_that_a_command_needs():
    program = "import sys\nfrom qwen_infra.cli.main import main\ntry: main()\nfinally: print('MODULES', *sys.modules)"
    shown = subprocess.run(
        [sys.executable, "-c", program, "--help"], capture_output=True, text=True, check=True, timeout=300
    )

    modules = shown.stdout.rpartition("MODULES")[2].split()
    assert {name.partition(".")[0] for name in modules} & HEAVY == set()


def test_short_help_works_for_a_command_too(monkeypatch, capsys):
    assert call(monkeypatch, "verify", "-h") == 0
    assert "qwen-infra verify --url" in capsys.readouterr().out


def test_version(monkeypatch, capsys):
    assert call(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"qwen-infra {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["local"]])
def test_no_command_shows_help_on_standard_error_and_is_wrong_usage(monkeypatch, capsys, arguments):
    assert call(monkeypatch, *arguments) == 2

    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("Usage: qwen-infra")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["rendr"], "error: qwen-infra rendr: there is no such command, did you mean render?\n"),
        (["sweep"], "error: --url: this option is required and missing\n"),
        (["bench", "--urll", "x"], "error: --urll: there is no such option, did you mean --url?\n"),
        (["verify", "--url", "x", "--model", "m", "--level", "lax"], "error: --level: 'lax' is not one of"),
        (["bench", "--url", "x", "--model", "m", "--seed", "f"], "error: --seed: "),
    ],
)
def test_wrong_usage_is_told_in_the_style_of_every_error(monkeypatch, capsys, arguments, expected):
    assert call(monkeypatch, *arguments) == 2

    shown = capsys.readouterr().err
    assert shown.startswith(expected)
    command = "" if arguments == ["rendr"] else f" {arguments[0]}"
    mend = " ".join(shown.partition("mend:")[2].split())
    assert mend.endswith(f"qwen-infra{command} --help")
    assert not command or mend.startswith(f"qwen-infra{command} --url http://127.0.0.1:8000 --model qwen3.5")


def options_with_a_fraction() -> Iterator[tuple[str, str]]:
    """Every option that takes a float, with the words of its command."""
    for entry in COMMANDS:
        command = load_command(entry)
        for words, item in [(entry.name, command), *((f"{entry.name} {n}", c) for n, c in children(command))]:
            yield from (
                (words, parameter.opts[0])
                for parameter in item.params
                if parameter.type_descriptor.annotation in {float, list[float]}
            )


def children(command: Any) -> Iterable[tuple[str, Any]]:
    found: dict[str, Any] = getattr(command, "commands", {})
    return found.items()


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_no_option_takes_what_is_no_finite_number(monkeypatch, capsys, number):
    options = list(options_with_a_fraction())
    assert ("drift", "--max-age-days") in options
    assert ("bench", "--percentile") in options
    for command, option in options:
        assert call(monkeypatch, *command.split(), f"{option}={number}") == 2
        assert capsys.readouterr().err.startswith(f"error: {option}: ")


@pytest.mark.parametrize("command", ["drift", "fleet status"])
def test_an_age_is_not_negative(monkeypatch, capsys, command):
    assert call(monkeypatch, *command.split(), "--max-age-days=-1") == 2
    assert capsys.readouterr().err.startswith("error: --max-age-days: ")


@pytest.mark.parametrize("words", ["--sampling temperature=nan", "--goodput ttft:inf"])
def test_a_number_inside_of_a_value_is_finite_too(monkeypatch, capsys, words):
    assert call(monkeypatch, "bench", "--url", "http://127.0.0.1:1", "--model", "m", *words.split()) == 2
    assert capsys.readouterr().err.startswith(f"error: {words.split()[0]}: ")


def test_one_run_to_compare_shows_how_two_are_named_and_which_there_are(typed, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results" / "gb200").mkdir(parents=True)
    (tmp_path / "results" / "gb200" / "benchmark-20260101T000000Z-7f9d21aa.json").touch()

    code, _, shown = typed("report", "--compare", "7f9d21aa")

    assert code == 2
    assert "--compare: option '--compare' requires 2 arguments" in shown
    assert "benchmark-20260101T000000Z-7f9d21aa.json" in shown
    assert "qwen-infra report --stack gb200 --compare 7f9d21aa 40c9b266" in " ".join(shown.split())


def test_a_missing_stack_is_answered_with_those_there_are(typed, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Pulumi.gb200.yaml").touch()

    for words in (["render"], ["baseline", "set"], ["chat"], ["connect"]):
        code, _, shown = typed(*words)
        assert (code, shown.startswith("error: --stack: ")) == (2, True)
        assert "one of: gb200" in " ".join(shown.split())
        assert "mend:" in shown


@pytest.mark.parametrize(
    ("error", "code"),
    [(CheckFailedError("no"), 1), (ConfigurationError("no"), 2), (EnvironmentMissingError("no"), 3)],
)
def test_an_error_of_ours_is_a_message_and_its_exit_code(monkeypatch, capsys, error: QwenInfraError, code: int):
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(command_line, "app", fail)

    assert call(monkeypatch) == code
    assert capsys.readouterr().err == "error: no\n"


def test_a_file_that_cannot_be_written_is_a_message(monkeypatch, capsys, tmp_path):
    (tmp_path / "Pulumi.x.yaml").mkdir()
    monkeypatch.setattr(command_line, "app", lambda **_: (tmp_path / "Pulumi.x.yaml").write_text("x", "utf-8"))

    assert call(monkeypatch) == 3
    shown = capsys.readouterr().err
    assert shown.startswith(f"error: {tmp_path}/Pulumi.x.yaml: this file cannot be used: is a directory\n  mend: ")


def test_completion_knows_commands_subcommands_and_options():
    assert complete("qwen-infra ren") == ["render"]
    assert "fault" in complete("qwen-infra local ")
    assert complete("qwen-infra render --o") == ["--out"]


def run_with(arguments: tuple[str, ...], *, buffered: bool = True, **streams: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *([] if buffered else ["-u"]), "-m", "qwen_infra", *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run(command, env=environment, text=True, check=False, timeout=300, **streams)


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize("arguments", [("verify", "--list"), ("--version",), ("local", "--help")])
def test_a_full_disk_behind_the_output_is_one_message(arguments, buffered):
    with Path("/dev/full").open("w") as full:
        done = run_with(arguments, buffered=buffered, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 3
    assert done.stderr == (
        "error: this machine refuses: no space left on device\n"
        "  mend:     free space where the output goes, and run it again\n"
    )


def test_a_message_that_has_no_room_leaves_its_exit_code():
    with Path("/dev/full").open("w") as full:
        assert run_with(("rendr",), stderr=full).returncode == 2


@pytest.fixture
def closed_pipe() -> Iterator[int]:
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize("arguments", [("verify", "--list"), ("schema",), ("--help",), ("local", "--help")])
def test_output_that_nobody_reads_any_more_ends_a_command_without_a_word(closed_pipe, arguments, buffered):
    done = run_with(arguments, buffered=buffered, stdout=closed_pipe, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_message_that_nobody_reads_leaves_its_exit_code(closed_pipe):
    assert run_with(("rendr",), stderr=closed_pipe).returncode == 2


def test_another_pipe_that_breaks_is_an_error_with_a_message(monkeypatch, capsys):
    def fail() -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr("qwen_infra.cli.schema.schema", fail)

    assert call(monkeypatch, "schema") == 3
    assert capsys.readouterr().err.startswith("error: this machine refuses: broken pipe\n")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_a_command_that_was_started_without_one_of_its_streams_works(closed):
    program = f"exec {shlex.quote(sys.executable)} -m qwen_infra --version {closed}"
    done = subprocess.run(["sh", "-c", program], capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
