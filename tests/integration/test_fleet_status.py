"""``qwen-infra fleet status`` over a file backend and a real cluster."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from tests.integration.harness import ROOT, Project

Make = Callable[..., Project]
QUIET = {"verification": {"level": "smoke"}, "benchmark": {"workload": "off"}}


def look(project: Project, *arguments: str, **environment: str) -> tuple[int, Any]:
    """Exit code and document of the command; without the passphrase where only states and pods are read."""
    command = [sys.executable, "-m", "qwen_infra", "fleet", "status", "--json", *arguments]
    variables = {**os.environ, **project.environment, "PYTHONPATH": str(ROOT), **environment}
    if "full" not in arguments:
        del variables["PULUMI_CONFIG_PASSPHRASE"]
    done = subprocess.run(command, cwd=project.folder, env=variables, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_the_status_follows_a_stack_from_nothing_to_drift_and_to_a_broken_backend(project: Make) -> None:
    deployed = project(**QUIET)
    code, found = look(deployed)
    assert (code, found["conditions"]) == (0, {"test": "absent"})

    deployed.up()
    code, found = look(deployed, "--drift", "full")
    assert (code, found["conditions"]) == (0, {"test": "ok"}), found
    (server,) = found["stacks"][0]["servers"]
    assert (server["model"], server["revision"], server["image"]) == ("Qwen3.5-4B", "main", "vllm/vllm-openai:v0.32.0")
    assert server["verification"]["passed"]
    assert server["benchmark"] is None

    kubectl = deployed.kubectl
    kubectl.run("--namespace", "qwen-test", "set", "env", "deployment/vllm-qwen35-4b", "VLLM_LOGGING_LEVEL=DEBUG")
    kubectl.run(
        *("--namespace", "qwen-test", "rollout", "status", "deployment/vllm-qwen35-4b", "--timeout=240s"), timeout_s=300
    )
    code, found = look(deployed)
    assert (code, found["conditions"]) == (1, {"test": "drifted"})
    assert look(deployed, "--drift", "off")[1]["conditions"] == {"test": "ok"}

    code, found = look(deployed, KUBECONFIG="/nowhere/kubeconfig")
    assert (code, found["conditions"]) == (3, {"test": "unreachable"})
    assert found["stacks"][0]["servers"][0]["model"] == "Qwen3.5-4B"

    code, found = look(deployed, PULUMI_BACKEND_URL="file:///nowhere/at/all")
    assert (code, found["conditions"]) == (3, {"test": "unreadable"})
    assert "the state cannot be read" in found["stacks"][0]["reasons"][0]
