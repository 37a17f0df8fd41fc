"""Real vLLM servers for the contract tests: one at a time, as the deployment starts them but on the CPU."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.contract.interpreter import VllmInterpreter

KEY = "sk-contract"
MODEL = "qwen3.5"
MAX_MODEL_LEN = 16384
READY_TIMEOUT_S = 600
FLAGS = (
    *("--served-model-name", MODEL, "--host", "127.0.0.1", "--max-model-len", str(MAX_MODEL_LEN)),
    *("--max-num-seqs", "32", "--language-model-only", "--enforce-eager", "--enable-prefix-caching"),
    *("--reasoning-parser", "qwen3", "--enable-auto-tool-choice", "--tool-call-parser", "qwen3_coder"),
)


@contextmanager
def serve(vllm: VllmInterpreter, model: Path, folder: Path, *more: str) -> Iterator[str]:
    """The URL of a real vLLM that serves ``model``; it is gone afterwards.

    Raises:
        AssertionError: it ended or did not get ready; with the end of its log.
    """
    port = _find_port()
    command = [str(vllm.program), "serve", str(model), "--port", str(port), *FLAGS, *more]
    environment = vllm.environment(VLLM_API_KEY=KEY, VLLM_CPU_KVCACHE_SPACE="2")
    environment.pop("PYTHONPATH")
    log = folder / "vllm.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(process, url, log)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)


def _wait_until_ready(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    until = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()[-4000:]
        try:
            if httpx.get(f"{url}/health", timeout=5, trust_env=False).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(1)
    raise AssertionError(f"not ready within {READY_TIMEOUT_S} s:\n{log.read_text()[-4000:]}")


def _find_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
