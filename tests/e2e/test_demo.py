"""`make demo` as a new user runs it, in a copy of the repository: a real vLLM on the CPU behind real Kubernetes."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anthropic import Anthropic

from qwen_infra.local.ports import find_free_ports
from qwen_infra.verification.conversation import SUM, WEATHER_BERLIN
from tests.claude_code_router import ROUTER_KEY, start_router, wait_for
from tests.clients import ANTHROPIC, MESSAGE_TOOL, OPENAI, Conversation, anthropic_client, openai_client

ROOT = Path(__file__).parents[2]
DEMO_TIMEOUT_S = 1500


def run(folder: Path, command: str, timeout_s: float = 600) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=timeout_s, check=False
    )


def copy_repository(target: Path) -> Path:
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in tracked.stdout.split("\n"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    (target / ".venv").symlink_to(ROOT / ".venv")
    return target


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The folder of a running demo, and what it printed."""
    folder = copy_repository(tmp_path_factory.mktemp("clone"))
    try:
        done = run(folder, "make demo", DEMO_TIMEOUT_S)
        assert done.returncode == 0, done.stdout + done.stderr
        yield folder, done.stdout
    finally:
        run(folder, "make demo-down")


def latest(folder: Path, kind: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(sorted((folder / "results/gb200").glob(f"{kind}-*.json"))[-1].read_text())
    return found


@pytest.mark.timeout(DEMO_TIMEOUT_S + 120)
def test_the_demo_deploys_and_shows_both_tables(demo: tuple[Path, str]) -> None:
    _, printed = demo
    assert "chat-thinking-off" in printed
    assert "397B INT4, 4 x GB200" in printed
    assert "source .demo/env" in printed


def test_a_real_vllm_answered_the_reference_benchmark_without_a_failure(demo: tuple[Path, str]) -> None:
    result = latest(demo[0], "benchmark")
    assert (result["completed"], result["failed"]) == (32, 0)
    assert (result["total_input_tokens"], result["total_output_tokens"]) == (256000, 32768)


def test_the_result_says_that_a_miniature_on_the_cpu_made_it(demo: tuple[Path, str]) -> None:
    provenance = latest(demo[0], "benchmark")["provenance"]
    assert isinstance(provenance, dict)
    assert (provenance["kind"], provenance["hardware"]) == ("cpu-miniature", "cpu")


def test_the_server_serves_the_folder_that_the_job_downloaded_from_the_stand_in(demo: tuple[Path, str]) -> None:
    folder = demo[0]
    model = "data/models/Qwen/Qwen3.5-397B-A17B-GPTQ-Int4"
    (weights,) = folder.glob(f".demo/cluster/gb200/storage/nodes/*/{model}/revision-main")
    manifest = json.loads((weights / ".qwen-infra-manifest.json").read_text())
    assert manifest["commit"] == weights.resolve().name
    kubectl = "source .demo/env && kubectl --namespace qwen"
    log = run(folder, f"{kubectl} logs deployment/vllm-qwen35-397b --tail=-1").stdout
    assert f"weights: {weights.resolve()}" in log
    assert f"serve {weights.resolve()}" in log.replace(str(weights), str(weights.resolve()))
    jobs = json.loads(run(folder, f"{kubectl} get jobs --output=json").stdout)["items"]
    assert [job["status"].get("succeeded") for job in jobs] == [1]


def test_nothing_changes_after_the_demo(demo: tuple[Path, str]) -> None:
    done = run(demo[0], "source .demo/env && pulumi preview --stack gb200 --expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_repositorys_stack_file_is_not_touched(demo: tuple[Path, str]) -> None:
    assert (demo[0] / "Pulumi.gb200.yaml").read_text() == (ROOT / "Pulumi.gb200.yaml").read_text()


def test_the_chat_request_of_the_instructions_answers(demo: tuple[Path, str]) -> None:
    folder, printed = demo
    lines = printed.partition("Look around:")[2].partition("Take it down:")[0].splitlines()
    forward = "kubectl --namespace qwen port-forward service/vllm-qwen35-397b-service 8000:8000 &"
    shown = "\n".join(line.strip() for line in lines if "pulumi" not in line)
    port = 20000 + os.getpid() % 20000
    assert forward in shown
    script = (
        shown.replace(forward, f"{forward} sleep 3").replace("8000:8000", f"{port}:8000").replace(":8000/", f":{port}/")
    )
    done = run(folder, f"{script}\nkill %1")
    assert "Qwen3.5" in done.stdout, done.stdout + done.stderr


@pytest.fixture(scope="class")
def endpoint(demo: tuple[Path, str]) -> Iterator[tuple[str, str]]:
    """URL and key of the deployed endpoint, through a port-forward as `qwen-infra connect` keeps it."""
    folder, port = demo[0], find_free_ports(1)[0]
    secret = "kubectl --namespace qwen get secret vllm-qwen35-397b-api-key -o jsonpath='{.data.api-key}' | base64 -d"
    key = run(folder, f"source .demo/env && {secret}").stdout
    command = f"source .demo/env && exec .venv/bin/qwen-infra connect --stack gb200 --port {port}"
    log = folder / "connect.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(["bash", "-c", command], cwd=folder, stdout=output, stderr=output) as process,
    ):
        try:
            wait_for(f"http://127.0.0.1:{port}/health", process, log)
            yield f"http://127.0.0.1:{port}", key
        finally:
            process.terminate()


@pytest.fixture(scope="class")
def router(endpoint: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with start_router(tmp_path_factory.mktemp("router"), *endpoint) as url:
        yield url


class TestClientsOfTheDeployedEndpoint:
    """A class, so that the tunnel ends with it, before the demo is taken down."""

    @pytest.mark.parametrize("talk", OPENAI, ids=lambda talk: talk.__name__)
    def test_the_openai_sdk_talks_to_the_deployed_endpoint(self, endpoint: tuple[str, str], talk: Conversation) -> None:
        with openai_client(*endpoint) as client:
            talk(client, "qwen3.5")

    @pytest.mark.parametrize("talk", ANTHROPIC, ids=lambda talk: talk.__name__)
    def test_the_anthropic_sdk_talks_to_the_deployed_endpoint(
        self, endpoint: tuple[str, str], talk: Conversation
    ) -> None:
        with anthropic_client(*endpoint) as client:
            talk(client, "qwen3.5")

    def test_claude_code_router_answers_through_the_deployed_endpoint(self, router: str) -> None:
        with Anthropic(base_url=router, api_key=ROUTER_KEY, max_retries=0) as client:
            message = client.messages.create(
                model="qwen-infra,qwen3.5", max_tokens=2000, messages=SUM["messages"], stream=False
            )
        assert "42" in "".join(block.text for block in message.content if block.type == "text")

    def test_claude_code_router_streams_through_the_deployed_endpoint(self, router: str) -> None:
        with (
            Anthropic(base_url=router, api_key=ROUTER_KEY, max_retries=0) as client,
            client.messages.stream(model="qwen-infra,qwen3.5", max_tokens=2000, messages=SUM["messages"]) as stream,
        ):
            pieces = list(stream.text_stream)
        assert "42" in "".join(pieces)

    def test_claude_code_router_calls_a_tool_through_the_deployed_endpoint(self, router: str) -> None:
        asked: Any = {"messages": WEATHER_BERLIN["messages"], "tools": [MESSAGE_TOOL]}
        with (
            Anthropic(base_url=router, api_key=ROUTER_KEY, max_retries=0) as client,
            client.messages.stream(model="qwen-infra,qwen3.5", max_tokens=2000, **asked) as stream,
        ):
            message = stream.get_final_message()
        assert [block.input for block in message.content if block.type == "tool_use"] == [{"city": "Berlin"}]


def test_a_second_demo_changes_nothing(demo: tuple[Path, str]) -> None:
    before = len(list((demo[0] / "results/gb200").iterdir()))
    done = run(demo[0], "make demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((demo[0] / "results/gb200").iterdir())) == before


def test_the_demo_is_taken_down_without_a_trace(demo: tuple[Path, str]) -> None:
    folder, _ = demo
    assert run(folder, "make demo-down").returncode == 0
    assert not (folder / ".demo").exists()
    processes = run(folder, "ps -eo args").stdout
    assert str(folder) not in processes
