"""The scheduled verification on the simulated cluster: API server, CronJob and Job controllers are the real ones.

The node agent runs the pod's own command: the ConfigMap's archive against the server behind the Service.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qwen_infra import local
from qwen_infra.checks.collecting import ScheduledRun, collect_runs
from qwen_infra.verification import CASES, VerificationReport
from tests.integration.harness import ROOT, Project

Make = Callable[..., Project]
APP = "vllm-qwen35-4b-verification"
NAMESPACE = "qwen-test"
DEADLINE_S = 480
NO_CHECKS = {"benchmark": {"level": "off"}}
NEVER = {"level": "off", "schedule": "0 0 1 1 *"}
EVERY_MINUTE = {"level": "off", "schedule": {"cron": "* * * * *", "level": "smoke"}}


def run_now(project: Project, name: str) -> None:
    """As the documentation says: the CronJob's own template, now."""
    project.kubectl.run("--namespace", NAMESPACE, "create", "job", f"--from=cronjob/{APP}", name)


def asked_by_hand(project: Project) -> None:
    """``qwen-infra verify --stack``, which asks as the deployment's own check does and keeps its result beside it."""
    command = [sys.executable, "-m", "qwen_infra", "verify", "--stack", project.stack_name]
    environment = {**os.environ, **project.environment, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=project.folder, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def wait_for_runs(project: Project, root: Path, count: int) -> list[ScheduledRun]:
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        runs = collect_runs(project.kubectl, NAMESPACE, APP, root=root, stack="test")
        if len(runs) >= count and all(run.status != "running" for run in runs[:count]):
            return runs
        time.sleep(1)
    raise AssertionError(f"not done within {DEADLINE_S} s: {runs}")


def read(root: Path, run: ScheduledRun) -> VerificationReport:
    assert run.file is not None, run.summary
    return VerificationReport.model_validate_json((root / "test" / run.file).read_text("utf-8"))


def test_a_run_asks_the_server_in_the_cluster_and_its_result_is_kept(project: Make, tmp_path: Path) -> None:
    deployed = project(verification=NEVER, **NO_CHECKS)
    deployed.up()
    run_now(deployed, "verify-right")
    (right,) = wait_for_runs(deployed, tmp_path, 1)
    report = read(tmp_path, right)
    assert (right.status, report.passed, report.simulated) == ("passed", True, True)
    assert len(report.cases) == len(CASES)
    skipped = {case.id for case in report.cases if case.status == "skipped"}
    assert "server-revision" not in skipped  # the weights were downloaded, and the gatekeeper says which
    assert skipped <= {"unguarded-paths", "image-input", *(case.id for case in CASES if case.family == "server facts")}

    asked_by_hand(deployed)
    by_hand = VerificationReport.model_validate(deployed.result("verification"))
    assert (by_hand.passed, by_hand.level, by_hand.server) == (True, "full", "vllm-qwen35-4b")
    told = {case.id for case in by_hand.cases if case.status == "skipped"}
    assert told - skipped == {"hang-up"}  # through a port-forward nobody can tell that a client has left

    root = deployed.cluster.state_folder.parent
    local.set_faults(deployed.cluster.name, ["wrong-tool-argument"], state_root=root)
    run_now(deployed, "verify-wrong")
    _, wrong = wait_for_runs(deployed, tmp_path, 2)
    failed = {case.id for case in read(tmp_path, wrong).cases if case.status == "failed"}
    assert wrong.status == "failed"
    assert "tools-auto-on" in failed
    assert "language-english" not in failed
    job = deployed.kubectl.get("--namespace", NAMESPACE, "job", "verify-wrong")
    assert [each["type"] for each in job["status"]["conditions"] if each["status"] == "True"][-1] == "Failed"


def test_the_controller_runs_it_when_its_time_has_come(project: Make, tmp_path: Path) -> None:
    deployed = project(verification=EVERY_MINUTE, **NO_CHECKS)
    deployed.up()
    first, *_ = wait_for_runs(deployed, tmp_path, 1)
    assert (first.status, first.job.startswith(APP)) == ("passed", True)
    assert read(tmp_path, first).level == "smoke"


def test_a_preview_after_it_is_clean(project: Make) -> None:
    deployed = project(verification=NEVER, **NO_CHECKS)
    deployed.up()
    changes: dict[str, Any] = json.loads(deployed.run("preview", "--json", "--expect-no-changes"))["changeSummary"]
    assert set(changes) == {"same"}
