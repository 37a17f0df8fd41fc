"""Workflows and scripts of ``ci/`` hold the rules of their linters; whatever a step runs is a shell script too."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from qwen_infra.cli.commands import COMMANDS

ROOT = Path(__file__).parents[3]
BIN = Path(sys.executable).parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SCRIPTS = sorted((ROOT / "ci").glob("*.sh"))


def run(*command: str | Path, stdin: str | None = None) -> None:
    done = subprocess.run([str(part) for part in command], input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_workflows_and_scripts() -> None:
    assert WORKFLOWS
    assert SCRIPTS


def test_workflows_match_githubs_schema() -> None:
    run(BIN / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS)


def test_workflows_are_safe() -> None:
    run(BIN / "zizmor", "--offline", "--no-progress", *WORKFLOWS)


def test_scripts_are_clean() -> None:
    run(BIN / "shellcheck", *SCRIPTS)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_what_a_step_runs_is_clean(path: Path) -> None:
    jobs = yaml.safe_load(path.read_text("utf-8"))["jobs"].values()
    steps = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    assert steps
    for step in steps:
        run(BIN / "shellcheck", "--shell=bash", "-", stdin=step)


def steps_of(path: Path) -> str:
    jobs = yaml.safe_load(path.read_text("utf-8"))["jobs"].values()
    return "\n".join(step["run"] for job in jobs for step in job["steps"] if "run" in step)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_step_runs_what_a_person_can_run_too(path: Path) -> None:
    """Scripts of ``ci/``, targets of the Makefile, and commands of ours; each exists."""
    steps = steps_of(path)
    scripts = set(re.findall(r"\bci/[\w-]+\.sh\b", steps))
    targets = {target for line in re.findall(r"^make (.+)$", steps, re.MULTILINE) for target in line.split()}
    commands = set(re.findall(r"^qwen-infra ([\w-]+)", steps, re.MULTILINE))
    assert scripts | targets | commands
    assert all((ROOT / name).stat().st_mode & 0o100 for name in scripts)
    assert targets <= set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert commands <= {entry.name for entry in COMMANDS}


def test_ci_runs_what_contributors_are_told_to_run() -> None:
    steps = steps_of(ROOT / ".github" / "workflows" / "ci.yml")
    assert [line for line in steps.splitlines() if line.startswith("make ")] == [
        "make lint types",
        "make unit",
        "make test",
    ]


def test_every_action_is_pinned_by_commit() -> None:
    used = [use for path in WORKFLOWS for use in re.findall(r"uses: (\S+)", path.read_text("utf-8"))]
    assert used
    assert [use for use in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", use)] == []
