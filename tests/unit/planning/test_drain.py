"""The times of a stop."""

from hypothesis import given
from hypothesis import strategies as st

from qwen_infra.planning.drain import plan_drain


@given(st.integers(min_value=1, max_value=10**6))
def test_the_three_times_are_always_in_order(tokens: int) -> None:
    drain = plan_drain(tokens)
    assert drain.delay_s < drain.shutdown_timeout_s < drain.grace_s
    assert drain.grace_s > drain.delay_s + drain.shutdown_timeout_s


def test_the_longest_answer_decides_how_long_a_stopping_server_may_still_answer() -> None:
    assert plan_drain(4096).shutdown_timeout_s == 121
    assert plan_drain(32768).shutdown_timeout_s == 968
