"""Workflows and scripts of ``ci/`` hold the rules of their linters; whatever a step runs is a shell script too."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

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


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_step_runs_only_scripts_that_exist(path: Path) -> None:
    words = path.read_text("utf-8").split()
    named = {word for word in words if word.startswith("ci/") and word.endswith(".sh")}
    assert named
    assert all((ROOT / name).stat().st_mode & 0o100 for name in named)
