"""The pure timing model, driven by a clock that jumps to whatever is due next."""

from dataclasses import dataclass, field
from random import Random
from statistics import mean, median, quantiles

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_infra.simulator.profile import (
    INSTANT,
    REFERENCE,
    CacheProfile,
    DecodeProfile,
    InterferenceProfile,
    PrefillProfile,
    TimingProfile,
)
from qwen_infra.simulator.scheduling import Scheduler, SequenceState

KNOWN = TimingProfile(
    name="known",
    prefill=PrefillProfile(base_ms=50, tokens_per_s=10_000, shared_tokens_per_s=20_000),
    decode=DecodeProfile(base_ms=20, per_running_ms=1),
)


@dataclass(eq=False)
class Timeline:
    """When one request was sent and when its tokens came."""

    sent_s: float
    tokens_s: list[float] = field(default_factory=list)

    @property
    def ttft_ms(self) -> float:
        return (self.tokens_s[0] - self.sent_s) * 1000

    @property
    def tpot_ms(self) -> float:
        return (self.tokens_s[-1] - self.tokens_s[0]) / (len(self.tokens_s) - 1) * 1000

    @property
    def gaps_ms(self) -> list[float]:
        return [(b - a) * 1000 for a, b in zip(self.tokens_s, self.tokens_s[1:], strict=False)]


def run(profile: TimingProfile, arrivals_s: list[float], prompt_tokens: int, output_tokens: int, seed: int = 0):
    scheduler = Scheduler(profile, max_model_len=262144, seed=seed)
    timelines: dict[SequenceState, Timeline] = {}
    arrivals = sorted(arrivals_s, reverse=True)
    while arrivals or not scheduler.is_idle:
        due_s = scheduler.next_due_s()
        if arrivals and (due_s is None or arrivals[-1] <= due_s):
            sequence = SequenceState(prompt_tokens, output_tokens)
            timelines[sequence] = Timeline(arrivals[-1])
            scheduler.submit(sequence, arrivals.pop())
            continue
        assert due_s is not None, "requests wait and nothing is due"
        for sequence in scheduler.advance(due_s):
            timelines[sequence].tokens_s.append(sequence.token_s)
    return list(timelines.values())


def poisson_arrivals(seed: int, count: int = 32, rate_per_s: float = 10) -> list[float]:
    random, at_s, arrivals = Random(seed), 0.0, []
    for _ in range(count):
        at_s += random.expovariate(rate_per_s)
        arrivals.append(at_s)
    return [arrival * count / rate_per_s / at_s for arrival in arrivals]  # rescaled as vllm bench serve does


def p99(values: list[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[98]


@pytest.fixture(scope="module", params=[1, 2, 3])
def reference_run(request):
    return run(REFERENCE, poisson_arrivals(request.param), 8000, 1024, seed=request.param)


# The reference table (facts: reference-deployment, section 6), in ms. The last few ms of TTFT are HTTP's.
@pytest.mark.parametrize(("statistic", "expected"), [(mean, 308.19), (median, 287.37), (p99, 494.26)])
def test_the_reference_profile_gives_the_reference_time_to_first_token(reference_run, statistic, expected):
    assert statistic([line.ttft_ms for line in reference_run]) == pytest.approx(expected, rel=0.08)


@pytest.mark.parametrize(("statistic", "expected"), [(mean, 29.54), (median, 29.62), (p99, 30.58)])
def test_the_reference_profile_gives_the_reference_time_per_output_token(reference_run, statistic, expected):
    assert statistic([line.tpot_ms for line in reference_run]) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(("statistic", "expected"), [(mean, 29.54), (median, 28.52), (p99, 30.89)])
def test_the_reference_profile_gives_the_reference_inter_token_latency(reference_run, statistic, expected):
    assert statistic([gap for line in reference_run for gap in line.gaps_ms]) == pytest.approx(expected, rel=0.02)


def test_the_reference_profile_gives_the_reference_duration(reference_run):
    assert max(line.tokens_s[-1] for line in reference_run) == pytest.approx(32.58, rel=0.02)


def test_a_lone_request_takes_exactly_the_set_times():
    (line,) = run(KNOWN, [5.0], 1000, 4)
    assert line.ttft_ms == pytest.approx(50 + 100 + 50)
    assert line.gaps_ms == pytest.approx([21, 21, 21])


def test_a_prompt_waits_for_the_prompts_before_it():
    first, second = run(KNOWN, [0.0, 0.0], 1000, 1)
    assert second.ttft_ms - first.ttft_ms == pytest.approx(50)


def test_every_running_request_lengthens_the_time_per_token():
    lines = run(KNOWN, [0.0] * 8, 20, 50)
    assert lines[0].gaps_ms[10] == pytest.approx(28)


def test_a_large_prompt_stalls_the_requests_that_run():
    profile = KNOWN.model_copy(
        update={"interference": InterferenceProfile(stall_ms_per_1000_prompt_tokens=10, batch_tokens=1000)}
    )
    first, _ = run(profile, [0.0, 1.0], 1000, 100)
    assert max(first.gaps_ms) == pytest.approx(22 + 10, abs=1)


def test_a_lone_request_is_not_stalled_by_its_own_prompt():
    profile = KNOWN.model_copy(
        update={"interference": InterferenceProfile(stall_ms_per_1000_prompt_tokens=10, batch_tokens=1000)}
    )
    (line,) = run(profile, [0.0], 1000, 10)
    assert line.gaps_ms == pytest.approx([21] * 9)


def test_no_more_than_max_num_seqs_run_at_once():
    lines = run(KNOWN.model_copy(update={"max_num_seqs": 1}), [0.0, 0.0], 10, 5)
    assert lines[1].tokens_s[0] > lines[0].tokens_s[-1]


def test_a_request_waits_until_its_blocks_are_free():
    cache = CacheProfile(block_size_tokens=100, num_gpu_blocks=10, state_blocks_per_request=6)
    lines = run(KNOWN.model_copy(update={"cache": cache}), [0.0, 0.0], 100, 5)
    assert lines[1].tokens_s[0] > lines[0].tokens_s[-1]


def test_a_request_larger_than_the_cache_runs_alone_instead_of_never():
    cache = CacheProfile(block_size_tokens=100, num_gpu_blocks=2, state_blocks_per_request=6)
    (line,) = run(KNOWN.model_copy(update={"cache": cache}), [0.0], 1000, 3)
    assert len(line.tokens_s) == 3


def test_the_instant_profile_needs_no_time():
    (line,) = run(INSTANT, [7.0], 100_000, 50)
    assert line.tokens_s == [7.0] * 50


def test_an_aborted_request_frees_its_blocks_and_gets_no_more_tokens():
    scheduler = Scheduler(KNOWN, max_model_len=4096)
    sequence = SequenceState(100, None)
    scheduler.submit(sequence, 0.0)
    scheduler.abort(sequence, 0.01)
    assert scheduler.used_blocks == 0
    assert scheduler.next_due_s() is None
    assert scheduler.is_idle


def test_a_waiting_request_can_be_aborted():
    scheduler = Scheduler(KNOWN.model_copy(update={"max_num_seqs": 1}), max_model_len=4096)
    running, waiting = SequenceState(10, 5), SequenceState(10, 5)
    scheduler.submit(running, 0.0)
    scheduler.submit(waiting, 0.0)
    scheduler.abort(waiting, 0.0)
    assert scheduler.count_waiting(0.0) == 0


def test_a_request_behind_other_prompts_counts_as_waiting():
    scheduler = Scheduler(KNOWN, max_model_len=4096)
    for _ in range(3):
        scheduler.submit(SequenceState(1000, 5), 0.0)
    assert (scheduler.count_running(0.0), scheduler.count_waiting(0.0)) == (1, 2)


def test_cached_tokens_need_no_prefill():
    scheduler = Scheduler(KNOWN, max_model_len=4096)
    scheduler.submit(SequenceState(1000, 1, cached_tokens=900), 0.0)
    assert scheduler.next_due_s() == pytest.approx(0.05 + 0.01 + 0.005)


def test_the_same_seed_gives_the_same_times():
    arrivals = poisson_arrivals(5, count=6)
    first, second = (run(REFERENCE, arrivals, 500, 20, seed=9) for _ in range(2))
    assert [line.tokens_s for line in first] == [line.tokens_s for line in second]


@settings(max_examples=30, deadline=None)
@given(
    arrivals=st.lists(st.floats(0, 5), min_size=1, max_size=12),
    prompt_tokens=st.integers(1, 20_000),
    output_tokens=st.integers(1, 40),
    max_num_seqs=st.integers(1, 5),
)
def test_every_request_gets_all_its_tokens_in_order_and_after_it_was_sent(
    arrivals, prompt_tokens, output_tokens, max_num_seqs
):
    profile = REFERENCE.model_copy(update={"max_num_seqs": max_num_seqs})
    for line in run(profile, arrivals, prompt_tokens, output_tokens):
        assert len(line.tokens_s) == output_tokens
        assert line.tokens_s == sorted(line.tokens_s)
        assert line.tokens_s[0] >= line.sent_s
