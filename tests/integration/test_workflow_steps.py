"""The workflows for pull requests and drift, step by step, on a changed checkout with the real engine and cluster.

GitHub itself is not there: ``gh`` is a script that keeps what it was asked; what actions do (checkout, Python) is done.
"""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.harness import ROOT, SMALL, Project
from tests.integration.test_pull_request import commit
from tests.workflow_steps import Step, run_steps

Make = Callable[..., Project]
QUIET = {"verification": {"level": "off"}, "benchmark": {"workload": "off"}}
CHECKED_OUT = ("ci", "Makefile", "pyproject.toml", "requirements.txt", ".venv")
GH = """#!/usr/bin/env bash
printf '%s\\n' "$*" >>"$CALLS"
"""


@pytest.fixture
def checkout(project: Make) -> Project:
    """A deployed stack in a checkout that has what the steps call."""
    made = project(**QUIET)
    made.up()
    for name in CHECKED_OUT:
        (made.folder / name).symlink_to(ROOT / name)
    commit(made)
    return made


def run(workflow: str, checkout: Project, folder: Path, **contexts: str) -> list[Step]:
    """As on a runner, whose own environment holds neither kubeconfig nor passphrase."""
    folder.mkdir()
    (folder / "gh").write_text(GH, "utf-8")
    (folder / "gh").chmod(0o755)
    given = {**os.environ, **checkout.environment}
    secret = {name: given.pop(name) for name in ("KUBECONFIG", "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE")}
    environment = {
        **given,
        "PATH": f"{folder}:{given['PATH']}",
        "CALLS": str(folder / "calls"),
        "GITHUB_REPOSITORY": "team/serving",
    }
    known = {
        "vars.PULUMI_BACKEND_URL": secret["PULUMI_BACKEND_URL"],
        "secrets.PULUMI_CONFIG_PASSPHRASE": secret["PULUMI_CONFIG_PASSPHRASE"],
        "github.token": "token",
        **contexts,
    }
    return run_steps(workflow, checkout.folder, folder, environment, known)


def test_a_pull_request_is_previewed_and_told_and_a_mistake_fails_the_job(checkout: Project, tmp_path: Path) -> None:
    base = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=checkout.folder, capture_output=True, text=True, check=True
    ).stdout.strip()
    contexts = {
        "github.event.pull_request.base.sha": base,
        "github.event.pull_request.number": "7",
        "secrets.KUBECONFIG_PREVIEW": Path(checkout.environment["KUBECONFIG"]).read_text("utf-8"),
    }
    checkout.configure({"server": {**SMALL["server"], "maxModelLen": 16384}})
    steps = run("preview", checkout, tmp_path / "right", **contexts)
    assert [step.code for step in steps] == [0, 0, 0], steps
    comment = (tmp_path / "right" / "previews" / "comment.md").read_text("utf-8")
    assert "-            - '32768'\n+            - '16384'" in comment
    posted = (tmp_path / "right" / "calls").read_text("utf-8").splitlines()[-1]
    assert posted.startswith("api --silent --method POST repos/team/serving/issues/7/comments --field body=@")

    checkout.configure({"server": {**SMALL["server"], "gpu": "H200"}})
    steps = run("preview", checkout, tmp_path / "wrong", **contexts)
    assert [step.code for step in steps] == [0, 1, 0], steps
    assert "**cannot be deployed**" in (tmp_path / "wrong" / "previews" / "comment.md").read_text("utf-8")


def test_the_morning_look_is_content_with_what_was_deployed_and_fails_on_what_was_changed(
    checkout: Project, tmp_path: Path
) -> None:
    contexts = {
        "vars.STACKS": "test",
        "secrets.KUBECONFIG_DRIFT": Path(checkout.environment["KUBECONFIG"]).read_text("utf-8"),
    }
    steps = run("drift", checkout, tmp_path / "same", **contexts)
    assert [step.code for step in steps] == [0, 0], steps
    checkout.kubectl.run("--namespace", "qwen-test", "annotate", "service", "vllm-qwen35-4b-service", "by=hand")
    checkout.kubectl.run(
        "--namespace", "qwen-test", "label", "--overwrite", "service", "vllm-qwen35-4b-service", "app=another"
    )
    steps = run("drift", checkout, tmp_path / "changed", **contexts)
    assert [step.code for step in steps] == [0, 1], steps
    assert "vllm-qwen35-4b-service" in steps[-1].written
