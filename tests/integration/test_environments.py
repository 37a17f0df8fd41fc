"""Environments, several models in one stack, and protection, with the real engine."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from qwen_infra import local
from tests.integration.harness import ROOT, SMALL, Project

Make = Callable[..., Project]
QUIET = {"verification": {"level": "off"}, "benchmark": {"workload": "off"}}
PINNED: dict[str, Any] = {
    "model": {**SMALL["model"], "revision": "0123456789abcdef0123456789abcdef01234567"},
    "server": {**SMALL["server"], "image": f"vllm/vllm-openai@sha256:{'0' * 64}", "replicas": 1},
}
TWO = {
    "small": {"model": {"name": "Qwen3.5-2B", "precision": "bf16"}},
    "large": {"model": {"name": "Qwen3.5-9B", "precision": "bf16"}, "benchmark": {"workload": "off"}},
}


def test_two_models_of_one_stack_are_deployed_verified_and_clean_afterwards(project: Make) -> None:
    deployed = project(models=TWO)
    outputs = deployed.up()["deployments"]
    assert set(outputs) == {"vllm-small", "vllm-large"}
    assert all(found["verification"].startswith("verification passed") for found in outputs.values())
    assert outputs["vllm-small"]["benchmark"].startswith("benchmark smoke: 8 of 8")
    assert deployed.stack.preview(expect_no_changes=True).change_summary.keys() == {"same"}


def drift(project: Project, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code and document of ``qwen-infra drift``, as the scheduled workflow runs it."""
    command = [sys.executable, "-m", "qwen_infra", "drift", f"--stack={project.stack_name}", "--json", *arguments]
    environment = {**os.environ, **project.environment, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=project.folder, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_fresh_deployment_has_not_drifted_and_what_was_changed_by_hand_is_told(project: Make) -> None:
    deployed = project(verification={"level": "smoke"})
    deployed.up()
    deployed.run("refresh", "--preview-only", "--expect-no-changes", "--non-interactive")
    clean = {"drifted": False, "stacks": [{"stack": "test", "drifted": False, "differences": []}]}
    assert drift(deployed) == (0, clean)

    kubectl = deployed.kubectl
    # a refresh does not see the variable, since another field manager owns it: the pods show it
    kubectl.run("--namespace", "qwen-test", "set", "env", "deployment/vllm-qwen35-4b", "VLLM_LOGGING_LEVEL=DEBUG")
    kubectl.run("--namespace", "qwen-test", "scale", "deployment/vllm-qwen35-4b", "--replicas=2")
    kubectl.run("--namespace", "qwen-test", "delete", "networkpolicy", "--all")
    kubectl.run(
        *("--namespace", "qwen-test", "rollout", "status", "deployment/vllm-qwen35-4b", "--timeout=240s"), timeout_s=300
    )

    code, found = drift(deployed, "--max-age-days=0")
    told = {(each["kind"], each["place"].split()[0]) for each in found["stacks"][0]["differences"]}
    assert code == 1
    assert {
        ("spec", "NetworkPolicy"),
        ("spec", "Deployment"),
        ("behaviour", "Pod"),
        ("age", "vllm-qwen35-4b-endpoint-verification"),
    } <= told
    kinds = {each["kind"] for each in drift(deployed, "--spec-only")[1]["stacks"][0]["differences"]}
    assert kinds == {"spec"}


def test_a_change_of_one_model_leaves_the_other_alone(project: Make) -> None:
    deployed = project(models=TWO, **QUIET)
    deployed.up()
    deployed.configure({"models": {**TWO, "small": {**TWO["small"], "server": {"maxModelLen": 16384}}}})
    deployed.stack.preview()
    changed = [
        item["urn"].rpartition("::")[2]
        for item in json.loads(deployed.run("preview", "--json", "--non-interactive"))["steps"]
        if item["op"] not in {"same", "read"}
    ]
    assert changed
    assert not [name for name in changed if name.startswith("vllm-large")]


def test_prod_wants_a_passed_verification_and_cannot_be_destroyed_by_accident(project: Make) -> None:
    deployed = project(environment="prod", **PINNED, **{"benchmark": {"workload": "off"}})
    root = deployed.cluster.state_folder.parent
    local.set_faults(deployed.cluster.name, ["answer-in-reasoning"], state_root=root)
    assert "error: verification failed" in deployed.fail()
    local.set_faults(deployed.cluster.name, [], state_root=root)
    deployed.up()
    told = deployed.fail("destroy")
    assert "protect" in told
    deployments = deployed.kubectl.items("--namespace", "qwen-test", "deployments")
    assert [item["metadata"]["name"] for item in deployments] == ["vllm-qwen35-4b"]
    deployed.run("state", "unprotect", "--all", "--yes", "--non-interactive")
