import json
from typing import Any

import pytest

from qwen_infra.benchmark import WORKLOADS
from qwen_infra.benchmark.gate import Gate, build_gate
from qwen_infra.benchmark.workload import RateRamp
from qwen_infra.errors import ConfigurationError
from qwen_infra.settings import BenchmarkSettings


def gate(**values: Any) -> Gate:
    found = build_gate(BenchmarkSettings.model_validate(values))
    assert found is not None
    return found


def test_values_inside_a_workload_are_spelt_as_a_stack_file_spells_them():
    workload = gate(workload={"preset": "smoke", "sampling": {"topK": 20}, "rateRamp": {"start": 1, "end": 9}}).workload
    assert (workload.sampling.top_k, workload.rate_ramp) == (20, RateRamp(start=1, end=9))


@pytest.mark.parametrize("values", [False, "off", {"level": "off"}, {"workload": "off"}, {"workload": False}])
def test_a_benchmark_is_switched_off_in_any_spelling(values):
    assert build_gate(BenchmarkSettings.model_validate(values)) is None


def test_smoke_is_eight_short_requests_without_limits():
    slos = {"hardware": "cpu", "limits": {"p99_ttft_ms": 1}}
    found = gate(level="smoke", workload="reference", slos=slos)
    assert (found.workload, found.slos.slos) == (WORKLOADS["smoke"], ())
    assert build_gate(BenchmarkSettings.model_validate("smoke")) is not None


def test_a_workload_is_a_name_or_values_in_the_stack_files_spelling():
    assert gate(workload="agent").workload == WORKLOADS["agent"]
    changed = gate(workload={"preset": "reference", "numPrompts": 64, "ignoreEos": False}, repeats=3).workload
    assert (changed.num_prompts, changed.ignore_eos, changed.repeats, changed.name) == (
        64,
        False,
        3,
        "reference-changed",
    )


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"workload": "refrence"}, "qwen-infra:benchmark.workload: .*did you mean reference"),
        ({"workload": {"preset": "smoke", "numPrompts": 0}}, "qwen-infra:benchmark.workload.num_prompts: "),
        (
            {"slos": {"hardware": "cpu", "limits": {"p99_tttf_ms": 1}}},
            "benchmark.slos.limits: .*p99_ttft_ms",
        ),
        ({"slos": {"hardware": "cpu", "limits": {"failed": -1}}}, "qwen-infra:benchmark.slos.limits: .*is no limit"),
        ({"regression": {"metrics": ["output_througput"]}}, "regression.metrics: .*expected output_throughput"),
        ({"workload": "agent", "runner": "job"}, "qwen-infra:benchmark.runner: .*nothing like turns"),
    ],
)
def test_what_is_wrong_is_named_by_its_key_before_anything_is_deployed(values, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        gate(**values)


def test_percentiles_of_the_limits_are_reported_by_the_run():
    found = gate(slos={"hardware": "cpu", "limits": {"p99.9_itl_ms": 5}}, regression={"metrics": ["p80_e2el_ms"]})
    assert found.percentiles == (50, 80, 90, 95, 99, 99.9)


def test_a_change_of_load_limits_or_runner_changes_the_triggers():
    one = gate(workload="smoke").triggers()
    assert one["workload"] == "smoke"
    for values in (
        {"workload": "reference"},
        {"workload": "smoke", "repeats": 2},
        {"workload": "smoke", "runner": "job"},
        {"workload": "smoke", "slos": {"hardware": "cpu", "limits": {"failed": 0}}},
        {"workload": "smoke", "regression": {}},
        {"workload": "smoke", "onFailure": "warn"},
    ):
        assert gate(**values).triggers() != one
    assert json.dumps(one)
