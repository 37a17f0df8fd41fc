"""The `job` runner on the simulated cluster: a real API server takes and schedules the Job, kwok serves its pod's log.

Nothing runs in that pod: its log is the one of a real `vllm bench serve` 0.32, recorded on the CPU.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.harness import Project

LOGS = "clusterlogs.kwok.x-k8s.io"
Make = Callable[..., Project]
RECORDED = Path(__file__).parents[1] / "unit/benchmark/logs/bench_serve.log"
LOAD = {"inputTokens": 128, "outputTokens": 64, "numPrompts": 24, "requestRate": 2.0}
BENCHMARK = {"workload": LOAD, "runner": "job"}


def serve_log(project: Project, text: str, folder: Path) -> None:
    """Let `kubectl logs` of the benchmark's container read ``text``, as if a runtime had written it."""
    path = folder / "container.log"
    path.write_text("".join(f"2026-11-24T06:17:40.000000000Z stdout F {line}\n" for line in text.splitlines()))
    entry = {"containers": ["benchmark"], "logsFile": str(path), "follow": False}
    change_logs(project, [entry, *read_logs(project)])


def read_logs(project: Project) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = project.kubectl.get(LOGS, "stand-in")["spec"]["logs"]
    return found


def change_logs(project: Project, logs: list[dict[str, Any]]) -> None:
    """What kwok shows as the log of a simulated node's container: the entry that names it, else the one for all."""
    patch = json.dumps({"spec": {"logs": logs}})
    project.kubectl.run("patch", LOGS, "stand-in", "--type=merge", f"--patch={patch}")


@pytest.fixture
def deployed(project: Make) -> Iterator[Project]:
    made = project(benchmark=BENCHMARK, verification={"level": "off"})
    before = read_logs(made)
    yield made
    change_logs(made, before)


def test_the_jobs_log_becomes_the_result(deployed: Project, tmp_path: Path) -> None:
    serve_log(deployed, RECORDED.read_text("utf-8"), tmp_path)
    outputs = deployed.up()
    assert outputs["benchmark"].startswith("benchmark custom: 24 of 24 requests answered in 12.")
    result = deployed.result("benchmark")
    assert (result["runner"], result["reached_by"], result["simulated"]) == ("job", "in-cluster job", True)
    assert result["mean_tpot_ms"] == pytest.approx(2.26, abs=0.01)
    assert not deployed.kubectl.items("--namespace", "qwen-test", "jobs", "--selector=app=vllm-qwen35-4b-benchmark")


def test_a_cut_off_log_fails_with_one_line_and_its_last_lines(deployed: Project, tmp_path: Path) -> None:
    text = RECORDED.read_text("utf-8")
    serve_log(deployed, text[: text.index('"mean_tpot_ms"')], tmp_path)
    told = deployed.fail()
    assert "error: benchmark failed: the log of vllm bench serve is cut off in the middle of its result" in told
    assert "Traceback" not in told
