"""``qwen-infra chat`` on a pseudo-terminal, as a person meets it: prompt, dimmed thinking, answer, the ways out."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from qwen_infra.simulator import INSTANT, SimulatorSettings, TimingProfile
from tests.unit.simulator.conftest import LiveServer, serve

ROOT = Path(__file__).parents[2]
PATIENCE_S = 240
DIM, PLAIN = "\x1b[2m", "\x1b[0m"
CTRL_C = "\x03"


def _take_terminal() -> None:
    """Make the pseudo-terminal the one whose Ctrl-C reaches this process and its children.

    What a shell without job control puts into the background ignores Ctrl-C, and so would its children.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A program on a terminal of its own: what it wrote, and typing."""

    def __init__(self, *words: str, path: str | None = None) -> None:
        self._ours, theirs = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "VLLM_API_KEY": "key"}
        environment["PATH"] = path or environment["PATH"]
        environment.pop("NO_COLOR", None)
        command = [sys.executable, "-m", "qwen_infra", "chat", *words]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_take_terminal,
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

    def read_to_the_end(self) -> str:
        """All that is left once the program has ended."""
        self.wait()
        with contextlib.suppress(OSError):  # how Linux says that the other end is gone
            while piece := os.read(self._ours, 4096):
                self.written += piece.decode()
        return self.written

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


LEFT, UP = "\x1b[D", "\x1b[A"


@pytest.mark.skipif(
    find_spec("readline") is None,
    reason="this Python has no readline: the terminal edits lines, and none is called back",
)
def test_a_question_can_be_edited_and_called_back(terminal: Terminal) -> None:
    terminal.read_until("> ")
    terminal.type(f"Who are yu?{LEFT * 2}o\n")
    terminal.read_until("\n> ")
    terminal.type(UP)
    assert "Who are you?" in terminal.read_until("you?")


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


def assert_interrupted(shown: str, code: int) -> None:
    assert code == 130
    assert "Traceback" not in shown
    assert shown.replace("^C", "").split() == ["interrupted"]


@contextlib.contextmanager
def running(*words: str, path: str | None = None) -> Iterator[Terminal]:
    terminal = Terminal(*words, path=path)
    try:
        yield terminal
    finally:
        terminal.close()


def test_ctrl_c_at_the_prompt_ends_it_in_one_line(terminal: Terminal) -> None:
    terminal.read_until("> ")
    terminal.type(CTRL_C)
    assert_interrupted(terminal.read_to_the_end(), terminal.wait())


def test_ctrl_c_after_an_answer_ends_it_too(terminal: Terminal) -> None:
    terminal.read_until("> ")
    ask(terminal, "Who are you?")
    terminal.type(CTRL_C)
    assert_interrupted(terminal.read_to_the_end(), terminal.wait())


@pytest.mark.parametrize("question", [(), ("Who are you?",)], ids=["conversation", "one question"])
def test_ctrl_c_while_an_answer_streams_ends_the_servers_request_and_the_dimming(question: tuple[str, ...]) -> None:
    slow = TimingProfile.model_validate({"name": "slow", "decode": {"base_ms": 2000}})
    for api in serve(SimulatorSettings(profile=slow, api_key="key")):
        with running("--url", str(api.http.base_url), "--model", "qwen3.5", *question) as terminal:
            if not question:
                terminal.read_until("> ")
                terminal.type("Who are you?\n")
            terminal.read_until(DIM)
            api.wait_until_metric_is("vllm:num_requests_running", 1)
            terminal.type(CTRL_C)
            shown = terminal.read_to_the_end()
            assert terminal.wait() == 130
            assert "Traceback" not in shown
            assert shown.index(PLAIN) < shown.index("interrupted")
            assert shown.endswith("interrupted\r\n")
            api.wait_until_metric_is("vllm:num_requests_running", 0)


def test_ctrl_c_before_the_server_says_anything_ends_it() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with running("--url", url, "--model", "qwen3.5", "hi") as terminal, silent.accept()[0]:
            terminal.type(CTRL_C)
            assert_interrupted(terminal.read_to_the_end(), terminal.wait())


def test_ctrl_c_while_a_tunnel_is_opened_ends_the_tunnel_too(tmp_path: Path) -> None:
    (tmp_path / "kubectl").write_text(
        f"#!/bin/sh\necho $$ > {tmp_path}/draft\nmv {tmp_path}/draft {tmp_path}/pid\nexec sleep 900\n"
    )
    (tmp_path / "kubectl").chmod(0o755)
    with running("--stack", "gb200", path=f"{tmp_path}:{os.environ['PATH']}") as terminal:
        deadline = time.monotonic() + PATIENCE_S
        while not (tmp_path / "pid").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        terminal.type(CTRL_C)
        assert_interrupted(terminal.read_to_the_end(), terminal.wait())
    assert not Path(f"/proc/{int((tmp_path / 'pid').read_text())}").exists()
