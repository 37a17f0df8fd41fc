"""When each request is sent: a gamma process rescaled so that the total is what the rate promises.

As ``get_request`` in ``vllm/benchmarks/serve.py`` 0.32. Pure arithmetic; ``load`` does the waiting.
"""

import itertools
import math
import random

__all__ = ["schedule_arrivals"]


def schedule_arrivals(count: int, *, rate: float | None, burstiness: float, seed: int) -> list[float]:
    """Seconds after the start at which each of ``count`` requests is sent.

    Formula: gaps ~ gamma(shape = burstiness, scale = 1 / (rate · burstiness)); the running sums are scaled by
    (count / rate) / (their last), so that the last request leaves at count / rate whatever the seed.

    Args:
        count: number of requests.
        rate: mean arrivals per second; None sends all at once.
        burstiness: 1 for a Poisson process, infinity for equal gaps.
        seed: of the gaps.

    Shape: one value per request, in send order, never falling.
    Returns: seconds.
    """
    if rate is None:
        return [0.0] * count
    gaps = _draw_gaps(count, rate=rate, burstiness=burstiness, seed=seed)
    sums = list(itertools.accumulate(gaps))
    if not sums or sums[-1] == 0:
        return sums
    factor = count / rate / sums[-1]
    return [moment * factor for moment in sums]


def _draw_gaps(count: int, *, rate: float, burstiness: float, seed: int) -> list[float]:
    if math.isinf(burstiness):
        return [1.0 / rate] * count
    draw = random.Random(f"arrivals {seed}")
    return [draw.gammavariate(burstiness, 1.0 / (rate * burstiness)) for _ in range(count)]
