"""Long steps of an installation."""

import sys
from pathlib import Path

import pytest

from qwen_infra.errors import EnvironmentMissingError
from qwen_infra.local.steps import Step, run_step


def run(code: str, folder: Path, *, timeout_s: float = 240) -> list[str]:
    said: list[str] = []
    step = Step("the step", (sys.executable, "-c", code), timeout_s)
    run_step(step, log=folder / "log", report=said.append, mend="try again")
    return said


def test_a_step_says_its_title_first(tmp_path: Path):
    assert run("", tmp_path) == ["the step"]


def test_a_failed_step_shows_its_last_lines_and_the_way_out(tmp_path: Path):
    with pytest.raises(EnvironmentMissingError, match=r"ended with 3.*no such wheel.*try again"):
        run("import sys; print('no such wheel'); sys.exit(3)", tmp_path)


def test_a_step_that_takes_too_long_is_ended(tmp_path: Path):
    with pytest.raises(EnvironmentMissingError, match="took too long"):
        run("import time; time.sleep(60)", tmp_path, timeout_s=0.2)


def test_a_step_does_not_see_the_callers_python_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    run("import os, sys; sys.exit('PYTHONPATH' in os.environ)", tmp_path)
