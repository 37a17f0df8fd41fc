import pytest

from qwen_infra.benchmark import judge_slos, parse_slos
from qwen_infra.errors import ConfigurationError
from tests.unit.benchmark.sample_result import GPU, MINIATURE, build_result

GB200 = "NVIDIA-GB200"


def test_limits_that_hold_are_met():
    limits = {"p99_ttft_ms": 600, "output_throughput": 900, "success_rate": 1}
    judgement = judge_slos(build_result(), parse_slos(limits, hardware=GB200))
    assert (judgement.verdict, judgement.reason, judgement.passed) == ("met", "3 of 3 SLOs met", True)


@pytest.mark.parametrize(("limits", "met"), [({"p99_ttft_ms": 494.26}, "met"), ({"failed": 0}, "met")])
def test_a_value_at_its_limit_is_met(limits, met):
    assert judge_slos(build_result(), parse_slos(limits, hardware=GB200)).verdict == met


def test_a_missed_limit_is_named_with_value_and_limit():
    judgement = judge_slos(build_result(), parse_slos({"p99_ttft_ms": 400, "failed": 0}, hardware=GB200))
    assert judgement.reason == "p99_ttft_ms is 494.3, the limit is at most 400 (1 of 2 SLOs missed)"
    assert judgement.passed is False


def test_a_rate_must_be_at_least_its_limit():
    judgement = judge_slos(build_result(), parse_slos({"output_throughput": 2000}, hardware=GB200))
    assert judgement.reason == "output_throughput is 1006, the limit is at least 2000 (1 of 1 SLOs missed)"


def test_a_limit_is_the_most_of_a_latency_and_the_least_of_a_rate():
    slos = parse_slos({"output_throughput": 500, "mean_ttft_ms": 1}, hardware=GB200)
    assert [slo.bound for slo in slos.slos] == ["min", "max"]


def test_other_hardware_is_not_judged_and_the_reason_says_so():
    judgement = judge_slos(build_result(MINIATURE), parse_slos({"p99_ttft_ms": 1}, hardware=GB200))
    assert judgement.verdict == "not judged"
    assert judgement.reason == (
        "SLOs were set for NVIDIA-GB200; this ran on cpu (a miniature model on the CPU), so they were not judged"
    )
    assert (judgement.rows[0].value, judgement.rows[0].met, judgement.passed) == (494.26, None, True)


def test_another_gpu_is_not_judged():
    other = GPU.model_copy(update={"hardware": "NVIDIA-H200"})
    assert (
        "this ran on NVIDIA-H200" in judge_slos(build_result(other), parse_slos({"failed": 0}, hardware=GB200)).reason
    )


def test_limits_set_for_a_stand_in_are_judged_on_it():
    assert judge_slos(build_result(MINIATURE), parse_slos({"p99_ttft_ms": 1}, hardware="cpu")).verdict == "missed"


def test_a_figure_without_a_value_is_missed():
    judgement = judge_slos(build_result(p99_ttft_ms=None), parse_slos({"p99_ttft_ms": 1}, hardware=GB200))
    assert judgement.reason.startswith("p99_ttft_ms is no value")


def test_a_partial_run_meets_nothing():
    result = build_result(partial=True, partial_because="it was interrupted")
    judgement = judge_slos(result, parse_slos({"p99_ttft_ms": 600}, hardware=GB200))
    assert (judgement.verdict, judgement.reason) == (
        "missed",
        "the run is partial, which meets no SLO: it was interrupted",
    )


def test_without_limits_nothing_is_judged():
    assert judge_slos(build_result(), parse_slos({}, hardware=GB200)).reason == "no SLOs are set"


def test_an_unknown_metric_names_the_nearest():
    with pytest.raises(ConfigurationError, match="found p99_tttf_ms, expected p99_ttft_ms"):
        parse_slos({"p99_tttf_ms": 1}, hardware=GB200)


@pytest.mark.parametrize("limit", ["fast", None, True, -1, float("nan"), float("inf"), {"max": 1}])
def test_a_limit_that_is_none_is_refused(limit):
    with pytest.raises(ConfigurationError, match="mean_ttft_ms"):
        parse_slos({"mean_ttft_ms": limit}, hardware=GB200)
