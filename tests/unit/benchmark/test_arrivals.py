import math
import statistics
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_infra.benchmark.arrivals import schedule_arrivals


@given(
    count=st.integers(1, 200),
    rate=st.floats(0.01, 1000),
    burstiness=st.floats(0.2, 50) | st.just(math.inf),
    seed=st.integers(0, 2**32),
)
def test_the_last_request_leaves_when_the_rate_promises_and_times_never_fall(count, rate, burstiness, seed):
    moments = schedule_arrivals(count, rate=rate, burstiness=burstiness, seed=seed)
    assert moments[-1] == pytest.approx(count / rate)
    assert len(moments) == count
    assert all(earlier <= later for earlier, later in pairwise(moments))


def test_without_a_rate_all_leave_at_once():
    assert schedule_arrivals(3, rate=None, burstiness=1.0, seed=0) == [0.0, 0.0, 0.0]


def test_infinite_burstiness_gives_equal_gaps():
    assert schedule_arrivals(4, rate=2.0, burstiness=math.inf, seed=0) == pytest.approx([0.5, 1.0, 1.5, 2.0])


def test_the_seed_decides():
    first, again, other = (schedule_arrivals(9, rate=1.0, burstiness=1.0, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(("burstiness", "variation"), [(0.25, 2.0), (1.0, 1.0), (4.0, 0.5)])
def test_gaps_vary_as_a_gamma_distribution_of_that_shape(burstiness, variation):
    moments = schedule_arrivals(20000, rate=1.0, burstiness=burstiness, seed=7)
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert statistics.stdev(gaps) / statistics.fmean(gaps) == pytest.approx(variation, rel=0.05)
