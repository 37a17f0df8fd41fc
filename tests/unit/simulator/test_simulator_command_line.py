"""``python -m qwen_infra.simulator``: one real process, and every refusal of the command line."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from qwen_infra.simulator.__main__ import main


def run_main(*arguments: str) -> int:
    try:
        return main(["--port", "0", *arguments])
    except SystemExit as stop:  # argparse's own refusals
        return int(stop.code or 0)


def test_the_process_says_that_it_simulates_serves_and_stops_on_sigterm():
    root = Path(__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, "-m", "qwen_infra.simulator", "--port", "0", "--profile", "instant"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "VLLM_API_KEY": "sk-test"},
    )
    try:
        assert process.stdout is not None
        assert "simulation of vLLM 0.32.0" in process.stdout.readline()
        url = process.stdout.readline().split()[-1]
        with httpx.Client(base_url=url, trust_env=False, timeout=240) as http:
            assert http.get("/v1/models").status_code == 401
            assert http.get("/v1/models", headers={"Authorization": "Bearer sk-test"}).status_code == 200
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=240)
        assert (process.returncode, errors) == (0, "")
    finally:
        process.kill()
        process.communicate()


def test_a_port_in_use_is_one_line_and_exit_code_3(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 3
    error = capsys.readouterr().err
    assert str(port) in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--fault", "stal"], "stall"),
        (["--profile", "no-such-file"], "instant, reference"),
        (["--time-scale", "0"], "--time-scale"),
        (["--time-scale", "nan"], "--time-scale"),
        (["--max-model-len", "0"], "--max-model-len"),
        (["--served-model-name", ""], "--served-model-name"),
        (["--startup-seconds", "-1"], "--startup-seconds"),
        (["--stall-seconds", "inf"], "--stall-seconds"),
        (["--default-chat-template-kwargs", '{"other": 1}'], "enable_thinking"),
        (["--default-chat-template-kwargs", "{"], "enable_thinking"),
        (["--port", "70000"], "--port"),
        (["--port", "many"], "--port"),
        (["--host", "no.such.host.invalid"], "--host"),
    ],
)
def test_a_wrong_argument_is_named_and_exit_code_2(capsys, arguments, words):
    assert run_main(*arguments) == 2
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error
