"""The real Claude Code Router with the generated files, in front of a server that speaks as vLLM does."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anthropic import Anthropic

from qwen_infra.local.ports import find_free_ports
from tests.claude_code_router import ROUTER_KEY, start_router, wait_for

ROOT = Path(__file__).parents[2]
KEY = "key-of-the-server"
TOOL: Any = {
    "name": "get_weather",
    "description": "Weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
WEATHER: Any = [{"role": "user", "content": "What is the weather in Berlin?"}]


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a router before a simulator."""
    home, port = tmp_path_factory.mktemp("home"), find_free_ports(1)[0]
    log = home / "server-log"
    simulator = [sys.executable, "-m", "qwen_infra.simulator", "--port", str(port), "--served-model-name", "qwen3.5"]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*simulator, "--profile", "instant"],
            env={**os.environ, "VLLM_API_KEY": KEY},
            cwd=ROOT,
            stdout=output,
            stderr=output,
        ) as server,
    ):
        try:
            wait_for(f"http://127.0.0.1:{port}/health", server, log)
            with start_router(home, f"http://127.0.0.1:{port}", KEY) as url:
                yield url
        finally:
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
