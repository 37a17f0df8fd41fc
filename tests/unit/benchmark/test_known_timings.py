"""Against the simulator with known timings: every figure within 1 % or 1 ms of what it was told to do."""

from itertools import count

import pytest

from qwen_infra.benchmark import REFERENCE_FIGURES, WORKLOADS, Workload
from qwen_infra.benchmark.figures import Figures
from qwen_infra.benchmark.metrics import compute_figures
from qwen_infra.benchmark.server_side import compare_with_server, derive_server_side, read_samples
from qwen_infra.simulator import REFERENCE, SimulatorSettings, TimingProfile
from tests.unit.benchmark.virtual_time import measure, measure_with_metrics

PREFILL_MS, PROMPT_TOKENS, TOKENS_PER_S, STEP_MS, OUTPUT_TOKENS = 40.0, 128, 1280.0, 20.0, 16
TTFT_MS = PREFILL_MS + PROMPT_TOKENS / TOKENS_PER_S * 1000
E2EL_MS = TTFT_MS + (OUTPUT_TOKENS - 1) * STEP_MS
STEADY = TimingProfile.model_validate(
    {
        "name": "steady",
        "prefill": {"base_ms": PREFILL_MS, "tokens_per_s": TOKENS_PER_S},
        "decode": {"base_ms": STEP_MS},
        "cache": {"prefix_caching": False},
    }
)


def within(value: float | None, expected: float) -> bool:
    """Within 1 % or one unit (1 ms), whichever is more."""
    return value is not None and abs(value - expected) <= max(0.01 * expected, 1.0)


def measure_steadily(streams: int) -> Figures:
    workload = Workload(
        input_tokens=PROMPT_TOKENS,
        output_tokens=OUTPUT_TOKENS,
        num_prompts=2 * streams,
        max_concurrency=streams,
        ignore_eos=True,
    )
    outcome = measure(SimulatorSettings(profile=STEADY, max_model_len=4096), workload)
    return compute_figures(outcome.traces, duration_s=outcome.duration_s)


@pytest.mark.parametrize("streams", [1, 32, 256])
def test_every_figure_is_what_the_simulator_was_told_to_do(streams):
    figures = measure_steadily(streams)
    tokens = 2 * streams * OUTPUT_TOKENS
    assert (figures.completed, figures.failed, figures.total_output_tokens) == (2 * streams, 0, tokens)
    expected = {"ttft": TTFT_MS, "ttft_content": TTFT_MS, "tpot": STEP_MS, "itl": STEP_MS, "e2el": E2EL_MS}
    wrong = {
        f"{statistic}_{name}_ms": found
        for name, value in expected.items()
        for statistic in ("mean", "median", "p90", "p99", "min", "max")
        if not within(found := figures.value(f"{statistic}_{name}_ms"), value)
    }
    assert wrong == {}
    assert within(figures.duration * 1000, 2 * E2EL_MS)
    assert figures.output_throughput == pytest.approx(tokens / (2 * E2EL_MS / 1000), rel=0.01)
    assert figures.request_throughput == pytest.approx(2 * streams / (2 * E2EL_MS / 1000), rel=0.01)
    assert figures.max_concurrent_requests == 2 * streams  # both rounds touch one second
    assert figures.mean_concurrent_requests == pytest.approx(streams, rel=0.01)


def test_a_wall_clock_that_is_set_back_while_the_load_runs_changes_no_figure(monkeypatch):
    undisturbed = measure_steadily(4)
    backwards = (1.8e9 - 3600 * number for number in count())
    monkeypatch.setattr("time.time", lambda: next(backwards))
    assert measure_steadily(4) == undisturbed
    assert next(backwards) < 1.8e9, "nobody looked at the wall clock"


def test_the_references_table_is_reproduced_from_its_profile():
    workload = WORKLOADS["reference"]
    outcome = measure(SimulatorSettings(profile=REFERENCE, max_model_len=16384), workload)
    figures = compute_figures(outcome.traces, duration_s=outcome.duration_s).model_dump()
    figures["request_rate"] = workload.request_rate
    apart = {
        key: (figures[key], value)
        for key, value in REFERENCE_FIGURES.items()
        if figures[key] != pytest.approx(value, rel=0.05)
    }
    assert apart == {}


def test_client_and_server_agree_on_a_run_with_jitter():
    workload = WORKLOADS["reference"].model_copy(update={"output_tokens": 64, "num_prompts": 16})
    outcome, metrics = measure_with_metrics(SimulatorSettings(profile=REFERENCE, max_model_len=16384), workload)
    figures = compute_figures(outcome.traces, duration_s=outcome.duration_s)
    server = derive_server_side({}, read_samples(metrics), {})
    assert server is not None
    assert figures.mean_ttft_ms == pytest.approx(server.server_ttft_ms, rel=0.01)
    assert figures.mean_tpot_ms == pytest.approx(server.server_tpot_ms, rel=0.01)
    assert figures.mean_e2el_ms == pytest.approx(server.server_e2el_ms, rel=0.01)
    assert (server.requests_finished, server.generation_tokens) == (16, 16 * 64)
    assert compare_with_server(figures, server) == []
