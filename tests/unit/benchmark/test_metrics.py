from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_infra.benchmark import DEFINITIONS, find_definition
from qwen_infra.benchmark.figures import Figures
from qwen_infra.benchmark.metrics import compute_distributions, compute_figures, count_good, find_percentile
from qwen_infra.benchmark.server_side import ServerSide
from qwen_infra.benchmark.timeline import build_timeline
from qwen_infra.benchmark.trace import UNFINISHED, RequestTrace


def trace(sent_s: float, *chunks_s: float, tokens: int | None = None, prompt: int = 10, error: str | None = None):
    return RequestTrace(
        prompt_tokens=prompt,
        sent_at_s=sent_s,
        chunk_times_s=array("d", chunks_s),
        output_tokens=tokens,
        error_kind=error,
    )


# Worked by hand. A: sent 100.0, chunks at 100.5, 100.7, 101.1: TTFT 500, E2EL 1100, gaps 200 and 400, TPOT 300 ms.
# B: sent 100.2, chunks at 100.5, 102.3 with 4 tokens: TTFT 300, E2EL 2100, gap 1800, TPOT 600 ms.
A = trace(100.0, 100.5, 100.7, 101.1, tokens=3)
B = trace(100.2, 100.5, 102.3, tokens=4, prompt=20)


def test_latencies_of_a_hand_worked_trace():
    figures = compute_figures([A, B], duration_s=2.5)
    assert figures.mean_ttft_ms == pytest.approx(400)
    assert figures.median_ttft_ms == pytest.approx(400)
    assert figures.std_ttft_ms == pytest.approx(100)
    assert figures.p99_ttft_ms == pytest.approx(498)
    assert figures.mean_tpot_ms == pytest.approx(450)
    assert figures.mean_itl_ms == pytest.approx(800)
    assert figures.median_itl_ms == pytest.approx(400)
    assert figures.mean_e2el_ms == pytest.approx(1600)
    assert figures.value("p90_e2el_ms") == pytest.approx(2000)


def test_distributions_hold_the_value_at_each_whole_percentile():
    found = compute_distributions([A, B])
    assert set(found) == {"ttft", "tpot", "itl", "e2el", "queue"}
    assert len(found["ttft"]) == 101
    assert (found["ttft"][0], found["ttft"][50], found["ttft"][100]) == pytest.approx((300, 400, 500))
    assert found["itl"][50] == pytest.approx(400)


def test_throughputs_of_a_hand_worked_trace():
    figures = compute_figures([A, B], duration_s=2.5)
    assert figures.request_throughput == pytest.approx(0.8)
    assert figures.output_throughput == pytest.approx(2.8)
    assert figures.total_token_throughput == pytest.approx((30 + 7) / 2.5)


def test_peaks_are_counted_in_whole_seconds_from_the_first_sending():
    # Second 0: chunks 100.5 100.7 100.5; second 1: 101.1; second 2: 102.3. Both requests touch seconds 0 and 1.
    figures = compute_figures([A, B], duration_s=2.5)
    assert (figures.max_output_tokens_per_s, figures.max_concurrent_requests) == (3.0, 2)


def test_a_request_with_one_token_has_no_tpot():
    figures = compute_figures([trace(0.0, 0.5, tokens=1)], duration_s=1.0)
    assert (figures.mean_tpot_ms, figures.mean_itl_ms, figures.mean_ttft_ms) == (None, None, 500.0)


def test_chunks_are_counted_when_the_server_gives_no_usage():
    assert compute_figures([trace(0.0, 0.1, 0.2, 0.3)], duration_s=1.0).total_output_tokens == 3


def test_failed_requests_count_in_nothing_but_their_number():
    with_failure = compute_figures([A, trace(0.0, 0.1, error="protocol")], duration_s=2.5)
    alone = compute_figures([A], duration_s=2.5)
    assert (with_failure.failed, with_failure.success_rate) == (1, 0.5)
    assert with_failure.model_copy(update={"failed": 0, "success_rate": 1.0}) == alone


def test_unfinished_requests_are_neither_completed_nor_failed():
    figures = compute_figures([A, trace(0.0, error=UNFINISHED)], duration_s=2.5)
    assert (figures.completed, figures.failed, figures.unfinished, figures.success_rate) == (1, 0, 1, 1.0)


def test_when_all_requests_fail_there_are_rates_of_zero_and_no_latencies():
    figures = compute_figures([trace(0.0, error="connect")] * 3, duration_s=2.0)
    assert (figures.failed, figures.success_rate, figures.request_throughput) == (3, 0.0, 0.0)
    assert (figures.mean_ttft_ms, figures.p99_e2el_ms, figures.max_concurrent_requests) == (None, None, None)


def test_nothing_at_all_gives_no_values():
    figures = compute_figures([], duration_s=0.0)
    assert (figures.success_rate, figures.request_throughput, figures.mean_ttft_ms) == (None, None, None)


def test_every_figure_is_defined_and_every_definition_is_a_figure():
    full = trace(0.0, 0.1, 0.2, tokens=2)
    full.first_reasoning_s, full.first_content_s, full.cached_tokens = 0.1, 0.2, 5
    measured = compute_figures([full], duration_s=1.0, goodput_ms={"ttft": 1}).model_dump(exclude_none=True)
    assert all(find_definition(key) for key in measured)
    assert set(DEFINITIONS) - set(ServerSide.model_fields) <= set(measured)


def test_any_percentile_can_be_asked_for():
    figures = compute_figures([A, B], duration_s=2.5, percentiles=(99.9, 25))
    assert figures.value("p99.9_ttft_ms") == pytest.approx(499.8)
    assert figures.value("p25_ttft_ms") == pytest.approx(350)
    assert figures.value("p12_ttft_ms") is None


def test_a_percentile_survives_the_json_and_a_stranger_does_not():
    figures = compute_figures([A, B], duration_s=2.5, percentiles=(99.9,))
    assert Figures.model_validate_json(figures.model_dump_json()) == figures
    with pytest.raises(ValueError, match="no figures named p99_tfft_ms"):
        Figures.model_validate(figures.model_dump() | {"p99_tfft_ms": 1.0})


def test_the_first_reasoning_and_the_first_content_have_times_of_their_own():
    thinking = trace(10.0, 10.5, 10.7, 11.1, tokens=3)
    thinking.first_reasoning_s, thinking.first_content_s = 10.7, 11.1
    figures = compute_figures([thinking, A], duration_s=2.0)
    assert figures.value("mean_ttft_reasoning_ms") == pytest.approx(700)
    assert figures.value("mean_ttft_content_ms") == pytest.approx(1100)


def test_goodput_counts_requests_that_keep_every_limit():
    limits = {"ttft": 600, "tpot": 400}  # A: 500 and 300; B: 300 and 600
    assert compute_figures([A, B], duration_s=2.0, goodput_ms=limits).request_goodput == pytest.approx(0.5)
    assert compute_figures([A, B], duration_s=2.0).request_goodput is None


def test_for_goodput_a_single_token_has_a_tpot_of_zero():
    assert count_good([trace(0.0, 0.5, tokens=1)], {"tpot": 1}) == 1


def test_the_share_of_cached_prompt_tokens_is_known_where_the_server_says_it():
    cached = trace(0.0, 0.5, prompt=40)
    cached.cached_tokens = 30
    assert compute_figures([cached, A], duration_s=1.0).cached_prompt_share == pytest.approx(0.75)
    assert compute_figures([A], duration_s=1.0).cached_prompt_share is None


def test_mean_concurrency_is_the_time_of_all_requests_over_the_duration():
    assert compute_figures([A, B], duration_s=2.0).mean_concurrent_requests == pytest.approx((1.1 + 2.1) / 2)


def test_the_timeline_counts_each_second():
    timeline = build_timeline([A, B])
    assert (timeline.running, timeline.output_tokens, timeline.started) == ((2, 2, 1), (3, 1, 1), (2, 0, 0))


def test_every_figure_has_a_definition_id_of_its_own():
    assert len({definition.id for definition in DEFINITIONS.values()}) == len(DEFINITIONS)


@pytest.mark.parametrize(("rank", "value"), [(0, 1.0), (50, 2.5), (90, 3.7), (100, 4.0)])
def test_percentiles_are_linear_between_ranks(rank, value):
    assert find_percentile([1.0, 2.0, 3.0, 4.0], rank) == pytest.approx(value)


@given(
    st.lists(st.tuples(st.floats(0, 100), st.lists(st.floats(0, 10), min_size=1, max_size=20)), min_size=1, max_size=10)
)
def test_figures_of_any_trace_keep_their_order(requests):
    traces = [trace(sent, *sorted(sent + chunk for chunk in chunks)) for sent, chunks in requests]
    figures = compute_figures(traces, duration_s=200.0)
    assert figures.median_ttft_ms is not None
    assert figures.p99_ttft_ms is not None
    assert figures.p99_e2el_ms is not None
    assert figures.max_output_tokens_per_s is not None
    assert figures.median_ttft_ms <= figures.p99_ttft_ms <= figures.p99_e2el_ms
    assert figures.max_output_tokens_per_s <= figures.total_output_tokens
