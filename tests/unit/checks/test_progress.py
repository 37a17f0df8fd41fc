"""How often the progress of a check is shown."""

import itertools

from qwen_infra.checks.progress import Throttle


def test_news_are_shown_at_once() -> None:
    throttle = Throttle(clock=lambda: 0.0)
    assert [throttle.lets_through(message) for message in ("pod p is Pending", "pod p is Running")] == [True, True]


def test_new_figures_of_the_same_news_are_shown_every_five_seconds() -> None:
    seconds = itertools.count()
    throttle = Throttle(clock=lambda: float(next(seconds)))
    shown = [second for second in range(12) if throttle.lets_through(f"pod p is Running, not ready ({second} s)")]
    assert shown == [0, 5, 10]
