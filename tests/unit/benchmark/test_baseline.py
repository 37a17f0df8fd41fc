from pathlib import Path
from typing import Any

import pytest

from qwen_infra.benchmark import (
    BenchmarkResult,
    find_baseline,
    judge_slos,
    list_baselines,
    parse_slos,
    read_benchmark,
    set_baseline,
    write_result,
)
from qwen_infra.benchmark.result import DeploymentFacts, Repeat
from qwen_infra.benchmark.slo import SloJudgement, parse_regression
from qwen_infra.errors import ConfigurationError
from tests.unit.benchmark.sample_result import MINIATURE, build_result

NO_LIMITS = parse_slos({}, hardware="")
TEN_PERCENT = parse_regression(10, None)


def keep(root: Path, result: BenchmarkResult, stack: str = "gb200") -> Path:
    document = {**result.model_dump(mode="json"), "slos": {"verdict": "met"}}
    return write_result(document, root=root, stack=stack, kind="benchmark")


def compare(result: BenchmarkResult, baseline: BenchmarkResult | None) -> SloJudgement:
    return judge_slos(result, NO_LIMITS, regression=TEN_PERCENT, baseline=baseline)


def repeats(metric: str, *values: float) -> tuple[Repeat, ...]:
    return tuple(Repeat(seed=seed, figures={metric: value}) for seed, value in enumerate(values))


def test_a_stored_run_comes_back_without_the_judgement_beside_it(tmp_path):
    result = build_result()
    assert read_benchmark(keep(tmp_path, result)) == result


def test_the_newest_run_becomes_the_baseline_of_its_model_workload_and_hardware(tmp_path):
    keep(tmp_path, build_result(mean_ttft_ms=1.0))
    newest = keep(tmp_path, build_result(mean_ttft_ms=2.0))
    baseline = set_baseline(None, root=tmp_path, stack="organization/project/gb200")
    assert (baseline.workload, baseline.hardware, baseline.result) == ("reference", "NVIDIA-GB200", newest.name)
    found = find_baseline(build_result(), root=tmp_path, stack="gb200")
    assert found is not None
    assert found.mean_ttft_ms == 2.0
    assert find_baseline(build_result(MINIATURE), root=tmp_path, stack="gb200") is None
    assert find_baseline(build_result(model_id="other"), root=tmp_path, stack="gb200") is None


def test_two_servers_of_one_stack_have_a_baseline_each_although_their_served_names_agree(tmp_path):
    small, large = (DeploymentFacts(server=name) for name in ("vllm-small", "vllm-large"))
    for facts, ttft_ms in ((small, 1.0), (large, 2.0)):
        set_baseline(keep(tmp_path, build_result(deployment=facts, mean_ttft_ms=ttft_ms)), root=tmp_path, stack="gb200")
    found = find_baseline(build_result(deployment=small), root=tmp_path, stack="gb200")
    assert found is not None
    assert found.mean_ttft_ms == 1.0
    assert find_baseline(build_result(), root=tmp_path, stack="gb200") is None


def test_a_later_baseline_replaces_the_one_before_and_its_entry_stays(tmp_path):
    first = keep(tmp_path, build_result(mean_ttft_ms=1.0))
    keep(tmp_path, build_result(mean_ttft_ms=2.0))
    set_baseline(None, root=tmp_path, stack="gb200")
    set_baseline(first, root=tmp_path, stack="gb200")
    assert [baseline.result for baseline in list_baselines(root=tmp_path, stack="gb200")] == [first.name]
    assert len(list((tmp_path / "gb200").glob("baseline-*.json"))) == 2


@pytest.mark.parametrize(
    "values", [{"partial": True, "partial_because": "it was interrupted"}, {"failed": 1}, {"completed": 0}]
)
def test_a_run_that_was_not_wholly_answered_is_no_baseline(tmp_path, values):
    keep(tmp_path, build_result(**values))
    with pytest.raises(ConfigurationError, match="no baseline"):
        set_baseline(None, root=tmp_path, stack="gb200")


def test_without_a_run_the_way_to_one_is_told(tmp_path):
    with pytest.raises(ConfigurationError, match="there is no benchmark of workload smoke"):
        set_baseline(None, root=tmp_path, stack="gb200", workload="smoke")


def test_another_stacks_run_is_refused(tmp_path):
    path = keep(tmp_path, build_result(), stack="other")
    with pytest.raises(ConfigurationError, match="not one of this stack's"):
        set_baseline(path, root=tmp_path, stack="gb200")


def test_a_baseline_whose_run_is_gone_is_told(tmp_path):
    path = keep(tmp_path, build_result())
    set_baseline(None, root=tmp_path, stack="gb200")
    path.unlink()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        find_baseline(build_result(), root=tmp_path, stack="gb200")


def test_a_change_within_the_percentage_is_no_regression():
    judgement = compare(build_result(mean_tpot_ms=31.0), build_result())
    assert (judgement.verdict, judgement.reason) == ("met", "5 of 5 SLOs met")


def test_a_change_beyond_it_is_told_with_both_values():
    judgement = compare(build_result(mean_tpot_ms=40.0), build_result())
    assert judgement.reason == (
        "mean_tpot_ms is 40, the baseline's was 29.54, allowed is at most 32.49 (1 of 5 SLOs missed)"
    )
    assert judgement.passed is False


def test_an_improvement_is_never_a_regression():
    assert compare(build_result(mean_tpot_ms=1.0, output_throughput=9e9), build_result()).verdict == "met"


def test_a_fallen_throughput_is_a_regression():
    assert "output_throughput is 800" in compare(build_result(output_throughput=800.0), build_result()).reason


def test_a_change_within_the_spread_of_repeats_is_noise():
    baseline = build_result(repeats=repeats("mean_tpot_ms", 29.0, 41.0))
    assert compare(build_result(mean_tpot_ms=40.0), baseline).verdict == "met"
    now = build_result(mean_tpot_ms=40.0, repeats=repeats("mean_tpot_ms", 29.0, 40.0))
    assert compare(now, build_result()).verdict == "met"


def test_bands_that_do_not_touch_are_a_regression():
    baseline = build_result(repeats=repeats("mean_tpot_ms", 29.0, 30.0))
    now = build_result(mean_tpot_ms=40.0, repeats=repeats("mean_tpot_ms", 39.0, 41.0))
    assert compare(now, baseline).verdict == "missed"


def test_without_a_baseline_nothing_is_judged_and_the_command_is_told():
    judgement = compare(build_result(), None)
    assert (judgement.verdict, judgement.reason) == (
        "not judged",
        "no baseline to compare with (qwen-infra baseline set)",
    )


@pytest.mark.parametrize(
    ("values", "difference"),
    [
        ({"workload": build_result().workload.model_copy(update={"num_prompts": 3})}, "workload"),
        ({"deployment": DeploymentFacts(gpus=8)}, "number of GPUs"),
        ({"deployment": DeploymentFacts(replicas=2)}, "number of replicas"),
        ({"reached_by": "direct"}, "way to the server"),
    ],
)
def test_what_cannot_be_compared_is_not_compared(values: dict[str, Any], difference):
    judgement = compare(build_result(mean_tpot_ms=99.0, **values), build_result())
    assert judgement.verdict == "not judged"
    assert f"the baseline is of another {difference}" in judgement.reason


def test_the_limits_rows_show_the_baseline_too():
    slos = parse_slos({"p99_ttft_ms": 600}, hardware="NVIDIA-GB200")
    judgement = judge_slos(build_result(), slos, baseline=build_result(p99_ttft_ms=450.0))
    assert judgement.rows[0].baseline == 450.0
