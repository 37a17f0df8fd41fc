"""``qwen-infra fleet rollout`` with the real engine: prod waits until staging has passed."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import yaml
from pulumi.automation import LocalWorkspaceOptions, create_or_select_stack

from qwen_infra import local
from tests.integration.harness import ROOT, SMALL, Project

Make = Callable[..., Project]
QUIET = {"verification": {"level": "smoke"}, "benchmark": {"workload": "off"}}
STACKS = ("staging-eu", "prod-eu", "prod-us")
NAMESPACES = tuple(f"qwen-{name}" for name in STACKS)
LOOK = "qwen-infra fleet rollout --order staging-eu,prod-eu,prod-us --preview"
ROLL = "qwen-infra fleet rollout --order staging-eu,prod-eu,prod-us --yes"


def add_stack(project: Project, name: str) -> None:
    """Another stack of the same project and cluster, in a namespace of its own."""
    values = {**SMALL, **QUIET, "cluster": {"identifier": "test", "namespace": f"qwen-{name}"}}
    document = {"config": {f"qwen-infra:{key}": value for key, value in values.items()}}
    (project.folder / f"Pulumi.{name}.yaml").write_text(yaml.safe_dump(document), "utf-8")
    options = LocalWorkspaceOptions(env_vars=project.environment)
    create_or_select_stack(name, work_dir=str(project.folder), opts=options)


def run(project: Project, typed: str) -> tuple[int, list[str], str]:
    """Exit code, the result of each stack in order, and progress."""
    command = [sys.executable, "-m", "qwen_infra", *shlex.split(typed)[1:], "--json"]
    variables = {**os.environ, **project.environment, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=project.folder, env=variables, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, [step["result"] for step in json.loads(done.stdout)["stacks"]], done.stderr


def interrupt(project: Project, typed: str) -> tuple[int, list[str]]:
    """Exit code and results when Ctrl-C comes while the first stack is being deployed."""
    command = [sys.executable, "-m", "qwen_infra", *shlex.split(typed)[1:], "--json"]
    variables = {**os.environ, **project.environment, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=project.folder, env=variables, stdout=subprocess.PIPE, text=True) as running:
        deadline = time.monotonic() + 300
        while "qwen-staging-eu" not in namespaces(project):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        running.send_signal(signal.SIGINT)
        told, _ = running.communicate(timeout=300)
    return running.returncode, [step["result"] for step in json.loads(told)["stacks"]]


def namespaces(project: Project) -> set[str]:
    return {item["metadata"]["name"] for item in project.kubectl.items("namespaces")}


def test_prod_waits_for_staging_and_follows_once_it_is_mended(project: Make) -> None:
    base = project()
    for name in STACKS:
        add_stack(base, name)
    root = base.cluster.state_folder.parent
    try:
        assert run(base, LOOK)[:2] == (0, ["passed"] * 3)
        assert "qwen-staging-eu" not in namespaces(base)

        assert interrupt(base, ROLL) == (130, ["interrupted", "waiting", "waiting"])

        local.set_faults(base.cluster.name, ["answer-in-reasoning"], state_root=root)
        code, results, told = run(base, ROLL)
        assert (code, results) == (1, ["failed", "waiting", "waiting"])
        assert "verification failed" in told
        assert "Traceback" not in told
        assert not {"qwen-prod-eu", "qwen-prod-us"} & namespaces(base)

        local.set_faults(base.cluster.name, [], state_root=root)
        code, results, told = run(base, ROLL)
        assert (code, results) == (0, ["passed"] * 3), told
        assert set(NAMESPACES) <= namespaces(base)

        assert run(base, ROLL)[:2] == (0, ["skipped"] * 3)
    finally:
        # faster than three destroys; the states are thrown away with the folder
        base.kubectl.run("delete", "namespace", "--ignore-not-found", *NAMESPACES, timeout_s=300)
