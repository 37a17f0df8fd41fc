"""A real vLLM for the contract tests, started as the stacks start it, guard included, on the CPU; and a simulator."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from qwen_infra.guard import MIDDLEWARE
from qwen_infra.guard.gatekeeper import MANIFEST, MANIFEST_KEYS
from qwen_infra.local.ports import find_free_ports
from qwen_infra.simulator import run_simulator
from tests.contract.interpreter import ROOT, VllmInterpreter

KEY = "sk-contract"
MODEL = "qwen3.5"
MAX_MODEL_LEN = 8192
KEY_FILE = "api-key"
OPEN_PATHS = ("/health", "/ping")
SERVED = {"repository": "Qwen/Qwen3.5-0.8B", "revision": "main"}
READY_TIMEOUT_S = 600
FLAGS = (
    *("--served-model-name", MODEL, "--host", "127.0.0.1", "--max-model-len", str(MAX_MODEL_LEN)),
    *("--max-num-seqs", "32", "--language-model-only", "--enforce-eager", "--enable-prefix-caching"),
    *("--reasoning-parser", "qwen3", "--enable-auto-tool-choice", "--tool-call-parser", "qwen3_coder"),
    *("--middleware", MIDDLEWARE),
)


@contextmanager
def serve(vllm: VllmInterpreter, model: Path, folder: Path, *more: str) -> Iterator[str]:
    """The URL of a real vLLM that serves ``model``, its key in ``folder/keys``; it is gone afterwards.

    Args:
        vllm: what serves it.
        model: its folder.
        folder: for the log, the guard and the keys.
        more: flags beyond those of every server.

    Raises:
        AssertionError: it ended or did not get ready; with the end of its log.
    """
    port, log = find_free_ports(1)[0], folder / "vllm.log"
    command = [str(vllm.program), "serve", str(model), "--port", str(port), *FLAGS, *more]
    environment = vllm.environment(VLLM_API_KEY=KEY, VLLM_CPU_KVCACHE_SPACE="2", **_mount_guard(folder))
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(process, url, log)
        yield url
    finally:
        _end(process)


@contextmanager
def simulate() -> Iterator[str]:
    """The URL of a simulator with the same key, name and context length; it is gone afterwards."""
    options = ("--profile", "instant", "--max-model-len", str(MAX_MODEL_LEN), "--language-model-only")
    with run_simulator("--served-model-name", MODEL, *options, api_key=KEY) as url:
        yield url


def _mount_guard(folder: Path) -> dict[str, str]:
    """What ``qwen_infra/manifests/guard.py`` gives the container, as folders of this machine."""
    code, keys = folder / "guard", folder / "keys"
    code.mkdir()
    keys.mkdir()
    shutil.copy(ROOT / "qwen_infra" / "guard" / "gatekeeper.py", code)
    (keys / KEY_FILE).write_text(KEY)
    weights = folder / "weights"
    weights.mkdir()
    (weights / MANIFEST).write_text(json.dumps(dict.fromkeys(MANIFEST_KEYS, "told") | SERVED))
    return {
        "PYTHONPATH": str(code),
        "QWEN_INFRA_KEY_FOLDER": str(keys),
        "QWEN_INFRA_KEYS": f"{KEY_FILE},previous-{KEY_FILE}",
        "QWEN_INFRA_OPEN_PATHS": ",".join(OPEN_PATHS),
        "QWEN_INFRA_MODEL_FOLDER": str(weights),
    }


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


def _end(process: "subprocess.Popen[bytes]") -> None:
    """The server with its engine and workers, which share its session."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)
