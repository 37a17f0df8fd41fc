"""Rolling a change: the order, the gate, the record, and going on; Pulumi is a stand-in that says what a test wrote."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from qwen_infra.drift import Difference
from qwen_infra.errors import ConfigurationError, EnvironmentMissingError
from qwen_infra.fleet import Rollout, Step, open_record, plan_rollout, preview_rollout, roll, rollout
from qwen_infra.fleet.record import Entry
from qwen_infra.fleet.running import Seen
from qwen_infra.planning import make_plans
from qwen_infra.settings import load_stack_deployments
from tests.unit.fleet.exports import export_of

ROOT = Path(__file__).parents[3]
ORDER = ("staging-eu", "prod-eu", "prod-us")
PULUMI = """#!/bin/sh
echo "$*" >>"$STATES/calls"
stack=$(echo "$*" | sed 's/.*--stack \\([^ ]*\\).*/\\1/')
case $1 in
stack)
  if [ ! -f "$STATES/$stack.json" ]; then echo "error: no stack named '$stack' found" >&2; exit 255; fi
  cat "$STATES/$stack.json" ;;
up)
  if [ -f "$STATES/$stack.waits" ]; then
    trap 'echo INT >>"$STATES/signals"; echo "error: update canceled" >&2; exit 255' INT
    touch "$STATES/$stack.started"
    while [ -f "$STATES/$stack.waits" ]; do sleep 0.05; done
  fi
  if [ -f "$STATES/$stack.fails" ]; then echo "error: $(cat "$STATES/$stack.fails")" >&2; exit 255; fi ;;
preview) if [ -f "$STATES/$stack.fails" ]; then exit 255; fi ;;
esac
"""


class Fleet:
    """A folder with three stack files, and what the stand-in says of each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record = folder / "results" / "rollout.json"
        for stack in ORDER:
            document = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text("utf-8"))
            (folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(document), "utf-8")
            self.says(stack)

    def says(self, stack: str, *, updated: str = "", **changes: Any) -> None:
        (plan,) = make_plans(load_stack_deployments(self.folder, stack), stack)
        export = export_of(plan, **changes)
        if updated:
            export["deployment"]["manifest"]["time"] = updated
        (self.folder / f"{stack}.json").write_text(json.dumps(export), "utf-8")

    def mark(self, stack: str, what: str, text: str = "") -> Path:
        path = self.folder / f"{stack}.{what}"
        path.write_text(text, "utf-8")
        return path

    def deployed(self) -> list[str]:
        """Stacks that `pulumi up` was run for since the last call."""
        path = self.folder / "calls"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [line.split("--stack ")[1].split()[0] for line in lines if line.startswith("up ")]

    def run(self, *, restart: bool = False, **how: Any) -> tuple[Step, ...]:
        wanted = Rollout(ORDER, self.folder, **how)
        with open_record(self.record) as record:
            return roll(wanted, plan_rollout(wanted, record, restart=restart), record, say=lambda _: None)


def results(steps: tuple[Step, ...]) -> list[str]:
    return [step.result for step in steps]


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    program = tmp_path / "bin" / "pulumi"
    program.parent.mkdir()
    program.write_text(PULUMI, "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("STATES", str(tmp_path))
    return Fleet(tmp_path)


def test_a_change_goes_through_the_stacks_in_order(fleet: Fleet) -> None:
    assert results(fleet.run()) == ["passed"] * 3
    assert fleet.deployed() == list(ORDER)


def test_a_failed_gate_stops_and_leaves_the_rest_untouched(fleet: Fleet) -> None:
    fleet.says("staging-eu", failed="verification")
    fleet.mark("staging-eu", "fails", "verification failed: 3 of 92")
    steps = fleet.run()
    assert results(steps) == ["failed", "waiting", "waiting"]
    assert steps[0].reason == "verification failed: 3 of 92"
    assert fleet.deployed() == ["staging-eu"]


def test_the_next_run_goes_on_where_the_last_one_stopped(fleet: Fleet) -> None:
    fails = fleet.mark("prod-eu", "fails", "no node has this GPU")
    assert results(fleet.run()) == ["passed", "failed", "waiting"]
    fails.unlink()
    fleet.deployed()
    assert results(fleet.run()) == ["skipped", "passed", "passed"]
    assert fleet.deployed() == ["prod-eu", "prod-us"]


def test_nothing_is_left_to_do_after_all_have_passed(fleet: Fleet) -> None:
    fleet.run()
    fleet.deployed()
    assert results(fleet.run()) == ["skipped"] * 3
    assert fleet.deployed() == []


def test_restart_rolls_every_stack_again(fleet: Fleet) -> None:
    fleet.run()
    fleet.deployed()
    fleet.run(restart=True)
    assert fleet.deployed() == list(ORDER)


def test_a_changed_stack_file_is_rolled_again_and_the_others_are_not(fleet: Fleet) -> None:
    fleet.run()
    fleet.deployed()
    path = fleet.folder / "Pulumi.prod-eu.yaml"
    path.write_text(path.read_text("utf-8").replace("131072", "65536"), "utf-8")
    fleet.says("prod-eu")
    assert results(fleet.run()) == ["skipped", "passed", "skipped"]


def test_what_pulumi_notes_in_a_stack_file_is_no_change(fleet: Fleet) -> None:
    fleet.run()
    path = fleet.folder / "Pulumi.prod-eu.yaml"
    path.write_text(f"encryptionsalt: v1:abc\n{path.read_text('utf-8')}", "utf-8")
    assert results(fleet.run()) == ["skipped"] * 3


def test_a_stack_that_somebody_deployed_since_is_rolled_again(fleet: Fleet) -> None:
    fleet.run()
    fleet.says("staging-eu", updated="2026-12-01T00:00:00Z")
    assert results(fleet.run()) == ["passed", "skipped", "skipped"]


def test_what_a_killed_run_left_behind_is_done_again(fleet: Fleet) -> None:
    fleet.run()
    with open_record(fleet.record) as record:
        record.write("prod-eu", Entry("x", "running", "2026-11-24T07:00:00+00:00"))
    assert results(fleet.run()) == ["skipped", "passed", "skipped"]


def test_a_server_without_verification_does_not_pass_unless_that_is_allowed(fleet: Fleet) -> None:
    fleet.says("staging-eu", without=("verification",))
    steps = fleet.run()
    assert steps[0].reason == "vllm-qwen35-122b was not verified (allow it with --allow-unverified)"
    assert results(fleet.run(allow_unverified=True)) == ["passed"] * 3


def test_after_the_bake_time_the_pods_are_looked_at(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Difference("behaviour", "qwen/x", "no pod serves this model")
    monkeypatch.setattr(rollout, "look_at_pods", lambda *_: Seen((gone,)))
    steps = fleet.run(bake_s=0.01)
    assert results(steps) == ["failed", "waiting", "waiting"]
    assert "qwen/x: no pod serves this model" in steps[0].reason


def test_a_preview_looks_at_every_stack_and_writes_nothing(fleet: Fleet) -> None:
    fleet.mark("staging-eu", "fails")
    steps = preview_rollout(Rollout(ORDER, fleet.folder), say=lambda _: None)
    assert results(steps) == ["failed", "passed", "passed"]
    assert fleet.deployed() == []
    assert not fleet.record.exists()


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ((), "name each stack once"),
        (("prod-eu", "prod-eu"), "found prod-eu twice"),
        (("prod-eu", "prod-asia"), "there is no stack file Pulumi.prod-asia.yaml"),
    ],
)
def test_a_wrong_order_is_refused_before_anything_is_touched(order: Any, expected: str, fleet: Fleet) -> None:
    with open_record(fleet.record) as record, pytest.raises(ConfigurationError, match=expected):
        plan_rollout(Rollout(order, fleet.folder), record)
    assert fleet.deployed() == []


def test_a_stack_that_the_backend_does_not_know_is_refused_before_anything_is_touched(fleet: Fleet) -> None:
    (fleet.folder / "prod-us.json").unlink()
    with pytest.raises(ConfigurationError, match=r"no such stack \(found prod-us\).*pulumi stack init prod-us"):
        fleet.run()
    assert fleet.deployed() == []


def test_two_rollouts_do_not_share_a_record(fleet: Fleet) -> None:
    with open_record(fleet.record), pytest.raises(EnvironmentMissingError, match=f"found process {os.getpid()}"):
        fleet.run()


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 2}', '{"version": 1, "stacks": {"a": {"outcome": "?"}}}'])
def test_a_file_that_is_no_record_is_told(text: str, fleet: Fleet) -> None:
    fleet.record.parent.mkdir()
    fleet.record.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match="this is no record of a rollout"):
        fleet.run()


def start(fleet: Fleet, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "qwen_infra", "fleet", "rollout", "--order", ",".join(ORDER), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command,
        cwd=fleet.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_ctrl_c_asks_pulumi_once_to_stop_and_the_next_run_goes_on(fleet: Fleet) -> None:
    waits = fleet.mark("prod-eu", "waits")
    running = start(fleet, "--yes", "--json")
    wait_for((fleet.folder / "prod-eu.started").exists)
    running.send_signal(signal.SIGINT)
    told, progress = running.communicate(timeout=240)
    assert running.returncode == 130
    assert [step["result"] for step in json.loads(told)["stacks"]] == ["passed", "interrupted", "waiting"]
    assert "Pulumi ends the operation that runs" in progress
    assert (fleet.folder / "signals").read_text("utf-8") == "INT\n"
    waits.unlink()
    again = start(fleet, "--yes", "--json")
    told, _ = again.communicate(timeout=240)
    assert again.returncode == 0
    assert [step["result"] for step in json.loads(told)["stacks"]] == ["skipped", "passed", "passed"]


def test_the_command_tells_what_it_will_do_and_what_it_did(fleet: Fleet) -> None:
    fleet.mark("staging-eu", "fails", "verification failed")
    fleet.says("staging-eu", failed="verification")
    running = start(fleet, "--yes")
    told, progress = running.communicate(timeout=240)
    assert running.returncode == 1
    assert progress.startswith(
        "1. deploy staging-eu\n2. deploy prod-eu\n3. deploy prod-us\n[1/3] staging-eu: pulumi up\n"
    )
    assert "error: verification failed\n" in progress
    assert all(len(line) <= 80 for line in told.splitlines()[:5])
    assert "run the same command again" in told


def test_without_a_terminal_the_command_wants_yes(fleet: Fleet) -> None:
    running = start(fleet)
    _, progress = running.communicate(timeout=240)
    assert running.returncode == 2
    assert "error: --yes: nobody can be asked here" in progress
    assert fleet.deployed() == []
