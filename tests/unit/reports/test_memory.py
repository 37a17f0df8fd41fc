from pathlib import Path

import pytest

from qwen_infra.benchmark.server_side import ServerSide
from qwen_infra.benchmark.slo import parse_regression
from qwen_infra.planning import DeploymentPlan, make_plans
from qwen_infra.reports.memory import MemoryFit, describe_memory
from qwen_infra.reports.records import StackRecords
from qwen_infra.reports.subjects import list_subjects
from qwen_infra.settings import load_stack_deployments
from tests.unit.reports.records import build_benchmark, build_case, build_records, build_verification

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def plan() -> DeploymentPlan:
    [found] = make_plans(load_stack_deployments(ROOT, "gb200"), "gb200")
    return found


def describe(records: StackRecords, plan: DeploymentPlan) -> MemoryFit:
    [subject] = list_subjects(records, (plan,), parse_regression(10, None))
    found = describe_memory(subject)
    assert found is not None
    return found


def test_the_predicted_parts_fill_vllms_share(plan: DeploymentPlan) -> None:
    found = describe(build_records(build_benchmark(1)), plan)
    assert sum(found.parts_gib.values()) == pytest.approx(found.share_gib, abs=0.1)
    assert found.actual is None
    assert "no verification at the level full" in found.why_not


def test_the_actual_cache_comes_from_the_verification_that_read_it(plan: DeploymentPlan) -> None:
    blocks = plan.fit.num_blocks
    case = build_case("server-kv-cache", expected=str(blocks), actual=str(blocks - 100))
    found = describe(build_records(verifications=(build_verification(1, case),)), plan)
    assert found.actual is not None
    assert found.actual.blocks == blocks - 100
    assert found.actual.kv_cache_gib + found.actual.rest_gib == pytest.approx(found.share_gib)
    assert found.deviation_percent == pytest.approx(-100 / blocks * 100)


def test_a_skipped_case_is_told_with_its_reason(plan: DeploymentPlan) -> None:
    case = build_case("server-kv-cache", "skipped", detail="the nodes are simulated")
    found = describe(build_records(verifications=(build_verification(1, build_case(), case),)), plan)
    assert "the nodes are simulated" in found.why_not


def test_what_another_plan_predicted_is_not_held_against_this_one(plan: DeploymentPlan) -> None:
    case = build_case("server-kv-cache", expected="17", actual="18")
    found = describe(build_records(verifications=(build_verification(1, case),)), plan)
    assert (found.actual, "of another plan" in found.why_not) == (None, True)


def test_the_peak_use_of_the_cache_is_the_newest_runs(plan: DeploymentPlan) -> None:
    runs = (build_benchmark(1), build_benchmark(2, server=ServerSide(server_peak_kv_usage=0.4)))
    assert describe(build_records(*runs), plan).peak_kv_usage == 0.4
