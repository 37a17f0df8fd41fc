"""What a chat shows, where colours are and where they are not."""

import asyncio
import io
import json
import signal
import sys

import pytest

from qwen_infra.cli import main as command_line
from qwen_infra.cli.chat_screen import ChatScreen, read_question
from tests.unit.client.scripted_server import DONE, EVENT_STREAM, serve_bytes

CUT_OFF = [
    EVENT_STREAM,
    b'data: {"choices": [{"delta": {"reasoning": "Hm"}, "finish_reason": "length"}]}\n\n',
    DONE,
]


def show(*, shows_thinking: bool) -> None:
    screen = ChatScreen(is_silent=False, shows_thinking=shows_thinking)
    screen.show("thinking", "Hm. ")
    screen.show("thinking", "Yes.")
    screen.show("answer", "\n\n")
    screen.show("answer", "Hello.")
    screen.end()


def test_without_colours_thinking_stands_between_marks(capsys):
    show(shows_thinking=True)

    assert capsys.readouterr().out == "[thinking]\nHm. Yes.[/thinking]\n\nHello.\n"


def test_hidden_thinking_leaves_the_answer_only(capsys):
    show(shows_thinking=False)

    assert capsys.readouterr().out == "Hello.\n"


@pytest.mark.parametrize(("typed", "read"), [("hi\n", "hi"), ("\n", None), ("/exit\n", None), ("", None)])
def test_an_empty_line_exit_or_the_end_of_input_ends_it(monkeypatch, typed, read):
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))

    assert asyncio.run(read_question()) == read


def test_a_ctrl_c_before_the_prompt_ends_it_without_another_key(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("never read\n"))

    async def press_and_read() -> None:
        signal.raise_signal(signal.SIGINT)  # asyncio only notes it
        await read_question()

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(press_and_read())
    assert sys.stdin.readline() == "never read\n"


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["qwen-infra", "chat", *arguments])
    with pytest.raises(SystemExit) as stopped:
        command_line.main()
    code = stopped.value.code
    return code if isinstance(code, int) else 0


def test_an_answer_cut_off_inside_the_thinking_is_explained(monkeypatch, capsys):
    with serve_bytes(*CUT_OFF) as url:
        assert call(monkeypatch, "--url", url, "--model", "m", "--json", "hi") == 0

    shown = capsys.readouterr()
    assert json.loads(shown.out)["thinking"] == "Hm"
    assert "cut off by its length inside the thinking" in shown.err


def test_json_needs_a_question(monkeypatch, capsys):
    assert call(monkeypatch, "--url", "http://127.0.0.1:1", "--model", "m", "--json") == 2
    assert capsys.readouterr().err.startswith("error: --json: needs a QUESTION")


def test_a_server_that_is_not_there_is_one_message(monkeypatch, capsys):
    assert call(monkeypatch, "--url", "http://127.0.0.1:1", "--model", "m", "hi") in {1, 3}
    assert capsys.readouterr().err.startswith("error: no connection to http://127.0.0.1:1")
