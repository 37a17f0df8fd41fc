"""What the command line does with a command line: help, version, completion, errors and exit codes."""

import subprocess
import sys
from collections.abc import Mapping

import pytest

from qwen_infra import __version__
from qwen_infra.cli import main as command_line
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
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False, timeout=120
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
        [sys.executable, "-c", program, "--help"], capture_output=True, text=True, check=True, timeout=120
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
        (["verify"], "error: --url: this option is required and missing\n"),
        (["bench", "--urll", "x"], "error: --urll: there is no such option, did you mean --url?\n"),
        (["verify", "--url", "x", "--model", "m", "--level", "lax"], "error: --level: 'lax' is not one of"),
        (["bench", "--url", "x", "--model", "m", "--seed", "f"], "error: --seed: "),
    ],
)
def test_wrong_usage_is_told_in_the_style_of_every_error(monkeypatch, capsys, arguments, expected):
    assert call(monkeypatch, *arguments) == 2

    shown = capsys.readouterr().err
    assert shown.startswith(expected)
    assert (
        f"  mend:     qwen-infra{' ' + arguments[0] if len(arguments) > 1 or arguments == ['verify'] else ''} --help"
        in shown
    )


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
    assert capsys.readouterr().err == f"error: {tmp_path}/Pulumi.x.yaml: this file cannot be used: is a directory\n"


def test_completion_knows_commands_subcommands_and_options():
    assert complete("qwen-infra ren") == ["render"]
    assert "fault" in complete("qwen-infra local ")
    assert complete("qwen-infra render --o") == ["--out"]
