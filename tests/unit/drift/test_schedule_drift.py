"""A scheduled verification that failed is a difference; one that runs, passed or never ran is none."""

from datetime import UTC, datetime

import pytest

from qwen_infra.checks.collecting import ScheduledRun, Status
from qwen_infra.drift import compare_schedule
from tests.unit.manifests.test_verification_schedule import plan


def run(status: Status, hour: int) -> ScheduledRun:
    return ScheduledRun(f"job-{hour}", f"uid-{hour}", datetime(2026, 11, 24, hour, tzinfo=UTC), status, "as told")


@pytest.mark.parametrize("statuses", [(), ("passed",), ("failed", "passed"), ("passed", "running")])
def test_no_run_or_a_newest_one_that_passed_is_no_difference(statuses: tuple[Status, ...]) -> None:
    assert compare_schedule(plan(), [run(status, hour) for hour, status in enumerate(statuses)]) == []


@pytest.mark.parametrize("statuses", [("failed",), ("passed", "lost"), ("passed", "failed", "running")])
def test_a_newest_run_that_did_not_pass_is_told_with_the_command_that_shows_it(statuses: tuple[Status, ...]) -> None:
    (found,) = compare_schedule(plan(), [run(status, hour) for hour, status in enumerate(statuses)])
    assert (found.kind, found.found, found.mend) == (
        "behaviour",
        "as told",
        "read all of it: qwen-infra collect --stack prod",
    )
