"""Recognising and ending the processes of a cluster."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwen_infra.local.processes import STATE_VARIABLE, find_marked, identify, is_running, signal_group, stop_processes

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
STUBBORN = [
    *(sys.executable, "-c"),
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]


def start(command: list[str], folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        command,
        env={**os.environ, STATE_VARIABLE: str(folder)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    with start(SLEEP, tmp_path) as process:
        yield process
        process.kill()


def test_a_process_is_found_by_the_folder_in_its_environment(sleeper: subprocess.Popen[str], tmp_path: Path):
    assert find_marked(tmp_path) == [sleeper.pid]


def test_a_folder_whose_name_only_begins_the_same_is_another(sleeper: subprocess.Popen[str], tmp_path: Path):
    assert find_marked(tmp_path.with_name(tmp_path.name[:-1])) == []


def test_a_process_that_ignores_the_polite_signal_is_killed(tmp_path: Path):
    with start(STUBBORN, tmp_path) as process:
        assert stop_processes([process.pid], grace_s=0.2) == []


def test_an_ended_process_is_not_running_even_before_it_is_reaped(tmp_path: Path):
    with start(SLEEP, tmp_path) as process:
        signal_group(process.pid, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while is_running(process.pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not is_running(process.pid)


def test_a_process_keeps_its_identity(sleeper: subprocess.Popen[str]):
    assert identify(sleeper.pid) == identify(sleeper.pid) is not None


def test_stopping_nothing_is_no_error():
    assert stop_processes([]) == []


def test_signalling_a_group_that_is_gone_is_no_error(tmp_path: Path):
    with start(SLEEP, tmp_path) as process:
        process.kill()
    signal_group(process.pid, signal.SIGTERM)
