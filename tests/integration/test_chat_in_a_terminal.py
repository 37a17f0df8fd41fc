"""``qwen-infra chat`` on a pseudo-terminal, as a person meets it: prompt, dimmed thinking, answer, the ways out."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwen_infra.simulator import INSTANT, SimulatorSettings
from tests.unit.simulator.conftest import LiveServer

ROOT = Path(__file__).parents[2]
PATIENCE_S = 240
DIM, PLAIN = "\x1b[2m", "\x1b[0m"


class Terminal:
    """A program on a terminal of its own: what it wrote, and typing."""

    def __init__(self, *words: str) -> None:
        self._ours, theirs = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "VLLM_API_KEY": "key"}
        environment.pop("NO_COLOR", None)
        command = [sys.executable, "-m", "qwen_infra", "chat", *words]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        self.written = ""

    def read_until(self, text: str) -> str:
        """What was written up to and with ``text``, since the last call."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.written:
            assert time.monotonic() < deadline, self.written
            assert select.select([self._ours], [], [], PATIENCE_S)[0], self.written
            try:
                self.written += os.read(self._ours, 4096).decode()
            except OSError:  # how Linux says that the other end is gone
                raise AssertionError(self.written) from None
        found, _, self.written = self.written.partition(text)
        return found + text

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def wait(self) -> int:
        return self._process.wait(PATIENCE_S)

    def close(self) -> None:
        self._process.kill()
        self._process.wait(PATIENCE_S)
        os.close(self._ours)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with LiveServer(SimulatorSettings(profile=INSTANT, api_key="key")) as server:
        yield server.url


@pytest.fixture
def terminal(url: str, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    found = Terminal("--url", url, "--model", "qwen3.5", *getattr(request, "param", ()))
    yield found
    found.close()


def ask(terminal: Terminal, question: str) -> str:
    """Everything between the question, which the terminal echoes, and the next prompt."""
    terminal.type(f"{question}\n")
    terminal.read_until(question)
    return terminal.read_until("\n> ")


def test_thinking_is_dimmed_and_the_answer_is_plain(terminal: Terminal) -> None:
    assert "an empty line, /exit or Ctrl-D ends it" in terminal.read_until("> ")
    said = ask(terminal, "Who are you?")
    thinking, _, answer = said.partition(PLAIN)
    assert thinking.lstrip().startswith(DIM)
    assert len(thinking) > len(DIM) + 10
    assert "Qwen" in answer
    assert DIM not in answer


@pytest.mark.parametrize("terminal", [("--thinking", "hide"), ("--thinking", "off")], indirect=True)
def test_thinking_can_be_hidden_and_turned_off(terminal: Terminal) -> None:
    terminal.read_until("> ")
    said = ask(terminal, "Who are you?")
    assert DIM not in said
    assert "Qwen" in said


def test_a_conversation_goes_on_after_the_first_answer(terminal: Terminal) -> None:
    terminal.read_until("> ")
    for _ in range(2):
        assert len(ask(terminal, "Who are you?")) > 20


@pytest.mark.parametrize(("keys", "code"), [("/exit\n", 0), ("\n", 0), ("\x04", 0)], ids=["/exit", "empty", "Ctrl-D"])
def test_it_ends_without_an_error(terminal: Terminal, keys: str, code: int) -> None:
    terminal.read_until("> ")
    terminal.type(keys)
    assert terminal.wait() == code
