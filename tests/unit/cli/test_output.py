import io
import json
import os
import sys

import pytest

from qwen_infra.cli.output import has_colour, print_error, print_json, print_table
from qwen_infra.errors import ConfigurationError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    stream = Terminal()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


ERROR = ConfigurationError(
    "a sentence that goes on for so long that it cannot stand on one line of a terminal with eighty columns",
    where="qwen-infra:server.gpu",
    found="GB300",
    expected="one of: GB200",
    mend="pulumi config set --path 'qwen-infra:server.gpu' GB200",
)


def test_an_error_in_a_log_keeps_each_part_on_one_line(capsys):
    print_error(ERROR)

    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith("eighty columns")
    assert [line.split()[0] for line in lines[1:]] == ["found:", "expected:", "mend:"]
    assert "\033" not in "".join(lines)


def test_an_error_on_a_terminal_is_wrapped_and_coloured(monkeypatch):
    terminal = on_terminal(monkeypatch)
    print_error(ERROR)

    shown = terminal.getvalue()
    assert "\033[1;31merror: \033[0m" in shown
    plain = shown.replace("\033[1;31m", "").replace("\033[32m", "").replace("\033[0m", "")
    assert max(len(line) for line in plain.splitlines()) <= 80


def test_no_color_is_heeded(monkeypatch):
    terminal = on_terminal(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")

    print_error(ERROR)

    assert not has_colour(terminal)
    assert "\033" not in terminal.getvalue()


def test_a_table_fits_eighty_columns_and_shows_text_as_it_is(capsys):
    print_table(["model", "blocks", "why"], [["[bold]x[/bold]", 12, "word " * 40], ["y", None, ""]], right=["blocks"])

    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[2].startswith("[bold]x[/bold] |    12 |word")
    assert "     - |" in lines[-1]


def test_a_json_document_is_there_before_the_command_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="utf-8") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        print_json({"url": "http://127.0.0.1:8000"})
        os.set_blocking(reader, False)
        assert json.loads(os.read(reader, 4096)) == {"url": "http://127.0.0.1:8000"}
    os.close(reader)
