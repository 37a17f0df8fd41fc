"""The local URL of ``qwen-infra connect`` outlives the pod behind it, and the clients' settings work at it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.integration.harness import Project

Make = Callable[..., Project]
ROOT = Path(__file__).parents[2]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "qwen_infra", *arguments]


@contextmanager
def connected(project: Project) -> Iterator[str]:
    """The URL that ``qwen-infra connect`` prints; what it says besides goes to a file of the project."""
    environment = {**os.environ, **project.environment, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    started = command("connect", "--stack", project.stack_name, "--port", "0", "--json")
    with (
        (project.folder / "connect.log").open("w") as log,
        subprocess.Popen(
            started, cwd=project.folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            printed = "".join(iter(process.stdout.readline, "}\n")) + "}"
            yield str(json.loads(printed)["url"])
        finally:
            process.terminate()


def client_config(project: Project, client: str, url: str) -> str:
    environment = {**os.environ, **project.environment, "PYTHONPATH": str(ROOT)}
    asked = command("client-config", "--stack", project.stack_name, "--for", client, "--url", url)
    printed: str = subprocess.run(
        asked, cwd=project.folder, env=environment, capture_output=True, text=True, check=True, timeout=300
    ).stdout
    return printed


def key_of(project: Project) -> str:
    secret = project.kubectl.items("secrets", "--namespace=qwen-test")
    [data] = [item["data"] for item in secret if "api-key" in (item.get("data") or {})]
    decoded = subprocess.run(["base64", "--decode"], input=data["api-key"], capture_output=True, text=True, check=True)
    return str(decoded.stdout)


def test_a_local_url_outlives_its_pod_and_the_sdk_example_runs_at_it(project: Make) -> None:
    deployed = project(benchmark={"workload": "off"})
    deployed.up()
    key = key_of(deployed)

    with connected(deployed) as url:
        example = client_config(deployed, "openai", url)
        assert key not in example
        ran = subprocess.run(
            [sys.executable, "-c", example],
            env={**os.environ, "VLLM_API_KEY": key},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert ran.returncode == 0, ran.stderr
        assert len(ran.stdout) > 20

        deployed.kubectl.run("delete", "pods", "--namespace=qwen-test", "--all", "--wait=false")
        answers = wait_for_a_new_pod(deployed, url, key)

    assert answers.status_code == httpx.codes.OK
    assert "opening another" in (deployed.folder / "connect.log").read_text("utf-8")


def wait_for_a_new_pod(project: Project, url: str, key: str) -> httpx.Response:
    """A request sent while the pod is replaced waits for the next one; connections in flight may break."""
    deadline = time.monotonic() + 240
    headers = {"Authorization": f"Bearer {key}"}
    while time.monotonic() < deadline:
        told = (project.folder / "connect.log").read_text("utf-8")
        if "opening another" in told:
            try:
                return httpx.get(f"{url}/v1/models", headers=headers, timeout=130)
            except httpx.HTTPError:
                continue
        time.sleep(0.5)
    message = "the tunnel to the deleted pod was never given up"
    raise AssertionError(message)
