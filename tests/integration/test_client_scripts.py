"""The scripts of ``client-config`` as a user runs them, against a server that speaks as vLLM does and wants its key."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwen_infra.simulator import INSTANT, SimulatorSettings
from tests.unit.simulator.conftest import LiveServer

ROOT = Path(__file__).parents[2]
KEY = "key-of-the-server"
RUNNERS = {"curl": ["sh", "-c"], "openai": [sys.executable, "-c"], "anthropic": [sys.executable, "-c"]}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with LiveServer(SimulatorSettings(profile=INSTANT, api_key=KEY)) as server:
        yield server.url


def run(command: list[str], key: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "VLLM_API_KEY": key}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=600
    )  # fmt: skip


def script(client: str, url: str) -> str:
    asked = ["client-config", "--for", client, "--url", url, "--model", "qwen3.5"]
    printed = run([sys.executable, "-m", "qwen_infra", *asked], "")
    assert printed.returncode == 0, printed.stderr
    return printed.stdout


@pytest.mark.parametrize("client", RUNNERS)
def test_the_script_brings_an_answer(url: str, client: str) -> None:
    ran = run([*RUNNERS[client], script(client, url)], KEY)
    assert ran.returncode == 0, ran.stderr
    assert "Qwen" in ran.stdout


@pytest.mark.parametrize("client", RUNNERS)
def test_a_wrong_key_fails_and_is_said(url: str, client: str) -> None:
    ran = run([*RUNNERS[client], script(client, url)], "wrong")
    assert ran.returncode != 0
    assert "401" in ran.stderr
