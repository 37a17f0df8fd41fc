"""Gives every test of the toolchain a machine of its own."""

from pathlib import Path

import pytest

from qwen_infra.toolchain import resolution
from tests.unit.toolchain.toolchain_machine import Machine


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setenv("PATH", str(made.bin))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("QWEN_INFRA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PULUMI_HOME", raising=False)
    monkeypatch.setattr(resolution, "recipes_folder", lambda: made.tools)
    return made
