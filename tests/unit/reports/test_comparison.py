from typing import Any

import pytest

from qwen_infra.benchmark.result import Repeat
from qwen_infra.errors import ConfigurationError
from qwen_infra.reports.comparison import Change, compare_runs, find_run
from tests.unit.reports.records import LARGE, MINIATURE, build_benchmark


def change(key: str, *changes: Change) -> Change:
    return next(one for one in changes if one.key == key)


@pytest.mark.parametrize(
    ("key", "first", "second", "percent", "verdict"),
    [
        ("output_throughput", 1000.0, 1100.0, 10.0, "better"),
        ("output_throughput", 1000.0, 900.0, -10.0, "worse"),
        ("mean_ttft_ms", 200.0, 100.0, -50.0, "better"),
        ("mean_ttft_ms", 200.0, 200.0, 0.0, "same"),
        ("total_input_tokens", 100, 50, -50.0, "neither"),
        ("failed", 0, 1, None, "worse"),
    ],
)
def test_each_figure_is_better_or_worse_by_its_definition(
    key: str, first: float, second: float, percent: float | None, verdict: str
) -> None:
    one_value: dict[str, Any] = {key: first}
    other_value: dict[str, Any] = {key: second}
    found = compare_runs(build_benchmark(1, **one_value), build_benchmark(2, **other_value))
    one = change(key, *found.changes)
    assert (one.percent, one.verdict) == (None if percent is None else pytest.approx(percent), verdict)


def test_a_change_within_the_spread_of_repeats_is_neither_better_nor_worse() -> None:
    def repeats(*values: float) -> tuple[Repeat, ...]:
        return tuple(Repeat(seed=seed, figures={"mean_ttft_ms": value}) for seed, value in enumerate(values))

    found = compare_runs(
        build_benchmark(1, mean_ttft_ms=100.0, repeats=repeats(90, 100, 115)),
        build_benchmark(2, mean_ttft_ms=120.0, repeats=repeats(110, 120, 130)),
    )
    assert change("mean_ttft_ms", *found.changes).verdict == "noise"


def test_two_runs_of_other_hardware_are_said_to_be_unlike() -> None:
    found = compare_runs(build_benchmark(1), build_benchmark(2, MINIATURE))
    assert not found.is_fair
    assert ("hardware", "NVIDIA-GB200", "cpu") in found.conditions


def test_another_image_is_told_and_is_no_reason_against_a_comparison() -> None:
    other = LARGE.model_copy(update={"image": "vllm/vllm-openai:v0.33.0"})
    found = compare_runs(build_benchmark(1), build_benchmark(2, deployment=other))
    assert found.is_fair
    assert found.settings == (("image", "vllm/vllm-openai:v0.32.0", "vllm/vllm-openai:v0.33.0"),)


@pytest.mark.parametrize("wanted", ["benchmark-0002.json", "results/gb200/benchmark-0002.json", "0002"])
def test_a_run_is_found_by_its_name_its_path_or_a_part_of_it(wanted: str) -> None:
    assert find_run([build_benchmark(1), build_benchmark(2)], wanted).name == "benchmark-0002.json"


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [("benchmark", "several runs have that"), ("0009", "there is no such run"), ("", "there is no such run")],
)
def test_a_run_that_is_not_clear_is_refused_with_the_newest_names(wanted: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        find_run([build_benchmark(1), build_benchmark(2)], wanted)
    assert "benchmark-0002.json" in str(caught.value.expected)
