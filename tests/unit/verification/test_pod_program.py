"""The suite as the program of a pod: the archive, its result in the log, its verdict in the termination message."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from qwen_infra.client.provenance import SIMULATED_NODE_VARIABLE
from qwen_infra.errors import CheckFailedError
from qwen_infra.verification.archive import MAX_BYTES, build_archive, needed_modules
from qwen_infra.verification.pod import main
from qwen_infra.verification.pod_log import MARK, read_result_line
from tests.unit.client.scripted_server import ModelScript, serve_model

KEY = "sk-the-very-key"


@pytest.fixture
def message_file(tmp_path: Path) -> Path:
    return tmp_path / "termination-log"


def arguments(url: str, *more: str) -> list[str]:
    return ["--url", url, "--model", "qwen3.5", "--level", "smoke", *more]


def test_the_archive_is_the_same_every_time_and_small_enough() -> None:
    first = build_archive()
    build_archive.cache_clear()
    assert build_archive() == first
    assert len(first) < MAX_BYTES


def test_the_archive_holds_what_the_suite_imports_and_nothing_that_a_pod_lacks() -> None:
    packages = {name.split(".")[1] for name in needed_modules() if "." in name}
    assert packages == {"client", "errors", "verification", "versions"}


def test_the_archive_runs_by_itself_and_fails_where_the_server_does(tmp_path: Path) -> None:
    program = tmp_path / "verify.pyz"
    program.write_bytes(build_archive())
    with serve_model(ModelScript(api_key=KEY, served_name="glm-5")) as url:
        done = subprocess.run(
            [sys.executable, str(program), *arguments(url)],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "VLLM_API_KEY": KEY},
            capture_output=True,
            text=True,
            check=False,
        )
    report = read_result_line(done.stdout)
    assert (done.returncode, report.passed, done.stderr) == (1, False, "")
    assert "models-listed: qwen3.5 is not served" in done.stdout


def test_a_passed_run_ends_with_zero_and_leaves_result_and_verdict(
    message_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VLLM_API_KEY", KEY)
    with serve_model(ModelScript(api_key=KEY)) as url:
        assert main(arguments(url, "--result", str(message_file))) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1].startswith(MARK)
    assert read_result_line(printed).passed
    message = json.loads(message_file.read_text())
    assert (message["passed"], message["message"][:19]) == (True, "verification passed")
    assert KEY not in printed


@pytest.mark.parametrize(("simulated", "kind"), [(False, "gpu"), (True, "cpu-miniature")])
def test_a_gpu_is_claimed_on_real_nodes_only(
    simulated: bool, kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if simulated:
        monkeypatch.setenv(SIMULATED_NODE_VARIABLE, "1")
    with serve_model(ModelScript()) as url:
        main(arguments(url, "--gpu", "NVIDIA-H200"))
    assert read_result_line(capsys.readouterr().out).provenance.kind == kind


def test_the_termination_message_is_one_that_a_kubelet_keeps_whole(
    message_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del capsys
    assert main(arguments("http://127.0.0.1:1", "--result", str(message_file))) == 1
    text = message_file.read_text()
    assert len(text.encode()) <= 4096
    assert json.loads(text)["message"].startswith("verification failed: models-listed: no connection")


def test_a_case_that_does_not_exist_is_wrong_usage(message_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments("http://127.0.0.1:1", "--case", "tolls-*", "--result", str(message_file))) == 2
    assert "there is no such case" in capsys.readouterr().err
    assert json.loads(message_file.read_text())["passed"] is False


@pytest.mark.parametrize("text", ["{", "[]", '{"colour": "red"}'])
def test_expectations_that_nobody_understands_are_wrong_usage(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments("http://h", "--expected", text))
    assert "--expected" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("log", "message"),
    [
        ("", "the pod's log has no result"),
        ("Traceback\nModuleNotFoundError: no httpx", "the pod's log has no result"),
        (f'{MARK}{{"passed": true, "cas', "cannot be read"),
        (f'{MARK}{{"passed": true}}', "cannot be read"),
    ],
)
def test_a_log_without_a_whole_result_says_so(log: str, message: str) -> None:
    with pytest.raises(CheckFailedError, match=message):
        read_result_line(log)
