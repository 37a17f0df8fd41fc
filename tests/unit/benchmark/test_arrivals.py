import statistics
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_infra.benchmark import Workload
from qwen_infra.benchmark.arrivals import rate_at, schedule_arrivals
from qwen_infra.benchmark.workload import RateRamp


def schedule(count: int, *, seed: int = 0, **load: object) -> list[float]:
    values = {"input_tokens": 1, "output_tokens": 1, "num_prompts": count, **load}
    return schedule_arrivals(Workload.model_validate(values), seed=seed)


@given(
    count=st.integers(1, 200),
    rate=st.floats(0.01, 1000),
    burstiness=st.floats(0.2, 50) | st.none(),
    seed=st.integers(0, 2**32),
)
def test_the_last_request_leaves_when_the_rate_promises_and_times_never_fall(count, rate, burstiness, seed):
    moments = schedule(count, request_rate=rate, burstiness=burstiness, seed=seed)
    assert moments[-1] == pytest.approx(count / rate)
    assert len(moments) == count
    assert all(earlier <= later for earlier, later in pairwise(moments))


def test_without_a_rate_all_leave_at_once():
    assert schedule(3) == [0.0, 0.0, 0.0]


def test_without_burstiness_gaps_are_equal():
    assert schedule(4, request_rate=2.0, burstiness=None) == pytest.approx([0.5, 1.0, 1.5, 2.0])


def test_the_seed_decides():
    first, again, other = (schedule(9, request_rate=1.0, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(("burstiness", "variation"), [(0.25, 2.0), (1.0, 1.0), (4.0, 0.5)])
def test_gaps_vary_as_a_gamma_distribution_of_that_shape(burstiness, variation):
    moments = schedule(20000, request_rate=1.0, burstiness=burstiness, seed=7)
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert statistics.stdev(gaps) / statistics.fmean(gaps) == pytest.approx(variation, rel=0.05)


@pytest.mark.parametrize(("shape", "middle"), [("linear", 5.5), ("exponential", 10**0.5)])
def test_a_ramp_goes_from_its_first_rate_to_its_last(shape, middle):
    ramp = RateRamp(shape=shape, start=1, end=10)
    assert [rate_at(ramp, place, 101) for place in (0, 50, 100)] == pytest.approx([1, middle, 10])


def test_with_a_ramp_each_gap_has_the_rate_of_its_place():
    moments = schedule(3, rate_ramp={"start": 1, "end": 4}, burstiness=None)
    assert moments == pytest.approx([1, 1 + 1 / 2.5, 1 + 1 / 2.5 + 1 / 4])
