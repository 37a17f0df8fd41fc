import pytest

from qwen_infra.benchmark import DeploymentFacts
from qwen_infra.benchmark.slo import parse_regression
from qwen_infra.reports.subjects import Subject, list_subjects
from tests.unit.reports.records import LARGE, MINIATURE, build_benchmark, build_records, build_sweep, build_verification

TEN_PERCENT = parse_regression(10, None)
SMALL = DeploymentFacts(server="vllm-small")


def only(*subjects: Subject) -> Subject:
    [subject] = subjects
    return subject


def test_models_of_one_stack_are_told_apart_although_they_share_a_folder_and_a_served_name() -> None:
    records = build_records(
        build_benchmark(1),
        build_benchmark(2, deployment=SMALL),
        verifications=(build_verification(1), build_verification(2, server="vllm-small")),
    )
    large, small = list_subjects(records, (), TEN_PERCENT)
    assert (large.name, small.name) == ("vllm-qwen35-397b", "vllm-small")
    assert [run.name for run in large.benchmarks] == ["benchmark-0001.json"]
    assert [run.name for run in small.verifications] == ["verification-0002.json"]


def test_a_result_that_names_no_server_joins_the_only_server_of_its_served_name() -> None:
    records = build_records(build_benchmark(1), build_benchmark(2, deployment=DeploymentFacts(gpus=4, replicas=1)))
    assert len(only(*list_subjects(records, (), TEN_PERCENT)).benchmarks) == 2


def test_a_result_that_names_no_server_stands_alone_where_two_have_its_served_name() -> None:
    records = build_records(
        build_benchmark(1), build_benchmark(2, deployment=SMALL), build_benchmark(3, deployment=DeploymentFacts())
    )
    assert [subject.name for subject in list_subjects(records, (), TEN_PERCENT)] == [
        "vllm-qwen35-397b",
        "vllm-small",
        "qwen3.5",
    ]


def test_a_simulated_run_never_shares_a_series_with_one_of_a_gpu() -> None:
    subject = only(*list_subjects(build_records(build_benchmark(1), build_benchmark(2, MINIATURE)), (), TEN_PERCENT))
    assert [(series.hardware, series.is_simulated) for series in subject.series] == [
        ("cpu", True),
        ("NVIDIA-GB200", False),
    ]
    assert subject.is_simulated


def test_runs_of_another_number_of_gpus_are_another_series() -> None:
    other = LARGE.model_copy(update={"gpus": 8})
    subject = only(
        *list_subjects(build_records(build_benchmark(1), build_benchmark(2, deployment=other)), (), TEN_PERCENT)
    )
    assert [len(series.runs) for series in subject.series] == [1, 1]


@pytest.mark.parametrize(("throughput", "is_regression"), [(1000.0, False), (899.0, True)])
def test_a_run_worse_than_the_baseline_allows_is_a_regression(throughput: float, is_regression: bool) -> None:
    baseline = build_benchmark(1, output_throughput=1000.0)
    later = build_benchmark(2, output_throughput=throughput)
    subject = only(*list_subjects(build_records(baseline, later, baseline=baseline), (), TEN_PERCENT))
    [series] = subject.series
    assert (later.name in series.regressions) == is_regression


def test_runs_before_the_baseline_are_no_regressions_and_without_one_nothing_is() -> None:
    slow, later = build_benchmark(1, output_throughput=10.0), build_benchmark(2)
    for baseline in (later, None):
        [series] = only(*list_subjects(build_records(slow, later, baseline=baseline), (), TEN_PERCENT)).series
        assert series.regressions == {}


def test_a_sweep_belongs_to_the_server_of_its_runs() -> None:
    records = build_records(build_benchmark(1, deployment=SMALL), sweeps=(build_sweep(),))
    assert [len(subject.sweeps) for subject in list_subjects(records, (), TEN_PERCENT)] == [0, 1]
