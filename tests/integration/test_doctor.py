"""The doctor on a real API server: all well, and each thing that a cluster can lack."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from pulumi.automation import ConfigValue

from tests.integration.harness import SMALL, Project, limited_kubeconfig

Make = Callable[..., Project]


def examine(project: Project, *, expect: int = 0) -> dict[str, dict[str, Any]]:
    """Findings of ``qwen-infra doctor --stack … --json`` by what was looked at."""
    command = [sys.executable, "-m", "qwen_infra", "doctor", "--stack", project.stack_name, "--json"]
    environment = {**os.environ, **project.environment, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        command, cwd=project.folder, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == expect, f"exit code {done.returncode}: {done.stdout}\n{done.stderr}"
    return {item["what"]: item for item in json.loads(done.stdout)["findings"]}


def test_a_machine_and_a_cluster_that_have_everything_are_ok(project: Make) -> None:
    found = examine(project())

    assert [item for item in found.values() if item["status"] == "missing"] == []
    assert found["cluster"]["found"].endswith(tuple("0123456789"))
    assert found["node gb200-pod2-f06-node05"]["found"].endswith("free, arm64, simulated")
    assert found["1 x GB200 free"]["status"] == "ok"
    assert found["permissions"]["status"] == "ok"
    assert found["stack test"]["status"] == "ok"
    assert found["namespace qwen-test"]["found"] == "not there; the stack creates it"


def test_everything_that_is_missing_is_told_in_one_go(project: Make, tmp_path: Path) -> None:
    lacking = project(
        cluster={**SMALL["cluster"], "createNamespace": False},
        server={**SMALL["server"], "node": "elsewhere"},
        endpoint={"apiKey": {"secretName": "mine"}},
        cache={"kind": "existingClaim", "claimName": "weights"},
    )
    lacking.environment["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(tmp_path / "lost")
    del lacking.environment["PULUMI_CONFIG_PASSPHRASE"]

    found = examine(lacking, expect=3)

    lost = {what: item["mend"] for what, item in found.items() if item["status"] == "missing"}
    assert set(lost) == {
        "passphrase",
        "1 x GB200 free",
        "namespace qwen-test",
        "secret qwen-test/mine",
        "persistentvolumeclaim qwen-test/weights",
    }
    assert lost["namespace qwen-test"] == "kubectl create namespace qwen-test"
    assert "create secret generic mine --from-literal=api-key=" in lost["secret qwen-test/mine"]


def test_a_wrong_passphrase_is_told(project: Make) -> None:
    stopped = project()
    stopped.stack.set_config("qwen-infra:unused", ConfigValue("x", secret=True))
    stopped.stack.remove_config("qwen-infra:unused")
    stopped.environment["PULUMI_CONFIG_PASSPHRASE"] = "another"

    found = examine(stopped, expect=3)["passphrase"]

    assert (found["status"], found["found"]) == ("missing", "it is not the one with which stack test was made")


def test_what_is_not_allowed_is_told_with_the_one_command_that_grants_it(project: Make, tmp_path: Path) -> None:
    stopped = project()
    kubeconfig = limited_kubeconfig(stopped, tmp_path, "doctor-looker")
    stopped.configure({"cluster": {**SMALL["cluster"], "kubeconfig": str(kubeconfig)}})

    found = examine(stopped, expect=3)

    assert found["permissions"]["status"] == "missing"
    assert "create/get/patch/delete deployments.apps" in found["permissions"]["found"]
    command, _, binding = found["permissions"]["mend"].partition(" && ")
    stopped.kubectl.run("create", "namespace", "qwen-test")
    stopped.kubectl.run(*shlex.split(command)[1:])
    account = "system:serviceaccount:default:doctor-looker"
    stopped.kubectl.run(*shlex.split(binding.replace("<you>", account))[1:])
    try:
        assert examine(stopped)["permissions"]["status"] == "ok"
    finally:
        stopped.kubectl.run("delete", "namespace", "qwen-test", timeout_s=300)
    assert found["1 x GB200 free"]["status"] == "unknown"


def test_a_cluster_that_does_not_answer_leaves_its_rows_unknown(project: Make, tmp_path: Path) -> None:
    dead = project()
    document = yaml.safe_load(dead.cluster.kubeconfig.read_text("utf-8"))
    document["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    (tmp_path / "dead").write_text(yaml.safe_dump(document), "utf-8")
    dead.configure({"cluster": {**SMALL["cluster"], "kubeconfig": str(tmp_path / "dead")}})

    found = examine(dead, expect=3)

    assert found["cluster"]["status"] == "missing"
    assert found["GPU nodes"]["status"] == "unknown"
