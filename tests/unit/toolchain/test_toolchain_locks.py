import subprocess
import sys
from pathlib import Path

import pytest

from qwen_infra.errors import EnvironmentMissingError
from qwen_infra.toolchain.locks import hold_lock

HOLDER = """
import pathlib, sys
from qwen_infra.toolchain.locks import hold_lock
with hold_lock(pathlib.Path(sys.argv[1]), timeout_s=60, say=print):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_free_lock_is_taken_without_a_word(tmp_path: Path) -> None:
    said: list[str] = []
    with hold_lock(tmp_path / "lock", timeout_s=0, say=said.append):
        pass

    assert said == []


def test_the_second_process_says_whom_it_waits_for(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    said: list[str] = []

    def say_and_release(line: str) -> None:
        said.append(line)
        holder.communicate()

    with hold_lock(tmp_path / "lock", timeout_s=240, say=say_and_release):
        pass

    assert said == [f"process {holder.pid} is building programs already; waiting for it"]


def test_waiting_ends_with_an_error_that_names_the_other_process(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with (
        pytest.raises(EnvironmentMissingError, match=f"kill {holder.pid}"),
        hold_lock(tmp_path / "lock", timeout_s=0, say=lambda _: None),
    ):
        pass


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    with hold_lock(tmp_path / "lock", timeout_s=0, say=lambda _: None):
        pass
