"""Objects for a local cluster, and a kubectl that applies and reads them."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from qwen_infra import local

__all__ = [
    "CREATING",
    "KEY",
    "Kubectl",
    "is_condition_true",
    "make_secret",
    "plain_pod",
    "server_deployment",
    "wait_for",
]

KEY = "sk-integration"
CREATING = "ContainerCreating"
COMMAND = [
    *("vllm", "serve", "/models/Qwen3.5-397B-A17B-GPTQ-Int4", "--served-model-name", "qwen3.5"),
    *("--host", "0.0.0.0", "--port", "8000", "--tensor-parallel-size", "4", "--max-model-len", "262144"),
]


def wait_for(what: str, probe: Callable[[], Any], timeout_s: float = 240) -> Any:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = probe()
        if found:
            return found
        time.sleep(0.1)
    pytest.fail(f"{what} did not happen within {timeout_s} s")


class Kubectl:
    def __init__(self, cluster: local.LocalCluster) -> None:
        self.command = [str(cluster.bin_folder / "kubectl"), "--kubeconfig", str(cluster.kubeconfig)]

    def __call__(self, *arguments: str, given: dict[str, Any] | None = None) -> str:
        text = json.dumps(given) if given is not None else None
        done = subprocess.run(
            [*self.command, *arguments], input=text, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def try_logs(self, target: str) -> str:
        """What ``kubectl logs`` prints; nothing while kwok has not seen the pod or its Logs object yet."""
        command = [*self.command, "logs", target]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300).stdout

    def apply(self, body: dict[str, Any]) -> None:
        self("apply", "-f", "-", given=body)

    def read(self, *arguments: str) -> Any:
        return json.loads(self("get", *arguments, "-o", "json"))

    @contextmanager
    def forward(self, target: str, port: int) -> Iterator[str]:
        process = subprocess.Popen(
            [*self.command, "port-forward", target, f":{port}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with process:
            assert process.stdout is not None
            line = process.stdout.readline()
            chosen = re.match(r"Forwarding from (127\.0\.0\.1:\d+)", line)
            assert chosen is not None, line
            yield f"http://{chosen[1]}"
            process.terminate()


def server_deployment(name: str, secret: str) -> dict[str, Any]:
    key = {"name": "VLLM_API_KEY", "valueFrom": {"secretKeyRef": {"name": secret, "key": "api-key"}}}
    container = {
        "name": "vllm",
        "image": "vllm/vllm-openai:v0.32.0",
        "command": COMMAND,
        "env": [key],
        "ports": [{"name": "http", "containerPort": 8000}],
        "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
        },
    }


def make_secret(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"api-key": KEY}}


def plain_pod(name: str, **container: Any) -> dict[str, Any]:
    spec = {"containers": [{"name": "main", "image": "busybox", **container}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def is_condition_true(pod: dict[str, Any], kind: str) -> bool:
    return any(c["type"] == kind and c["status"] == "True" for c in pod["status"].get("conditions", []))
