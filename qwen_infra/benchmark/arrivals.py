"""When each request is sent: a gamma process rescaled so that the total is what the rate promises.

As ``get_request`` in ``vllm/benchmarks/serve.py`` 0.32. Pure arithmetic; ``load`` does the waiting.
"""

import itertools
import random

from qwen_infra.benchmark.workload import RateRamp, Workload

__all__ = ["rate_at", "schedule_arrivals"]


def schedule_arrivals(workload: Workload, *, seed: int) -> list[float]:
    """Seconds after the start at which each of ``num_prompts`` requests (or conversations) begins.

    Formula: gaps ~ gamma(shape = burstiness, scale = 1 / (rate · burstiness)), or 1 / rate where the burstiness is
    None; the running sums are scaled by (count / rate) / (their last), so that the last request leaves at count / rate
    whatever the seed. With a ramp each gap has the rate of its place, and nothing is rescaled, as vLLM does.

    Shape: one value per request, in send order, never falling.
    Returns: seconds.
    """
    count = workload.num_prompts
    ramp = workload.rate_ramp
    if ramp is not None:
        rates = [rate_at(ramp, place, count) for place in range(count)]
        return list(itertools.accumulate(_draw_gaps(rates, workload.burstiness, seed)))
    rate = workload.request_rate
    if rate is None:
        return [0.0] * count
    sums = list(itertools.accumulate(_draw_gaps([rate] * count, workload.burstiness, seed)))
    if sums[-1] == 0:
        return sums
    factor = count / rate / sums[-1]
    return [moment * factor for moment in sums]


def rate_at(ramp: RateRamp, place: int, count: int) -> float:
    """Arrivals per second at the ``place``-th of ``count`` requests."""
    share = place / max(count - 1, 1)
    if ramp.shape == "linear":
        return ramp.start + (ramp.end - ramp.start) * share
    return float(ramp.start * (ramp.end / ramp.start) ** share)


def _draw_gaps(rates: list[float], burstiness: float | None, seed: int) -> list[float]:
    if burstiness is None:
        return [1.0 / rate for rate in rates]
    draw = random.Random(f"arrivals {seed}")
    return [draw.gammavariate(burstiness, 1.0 / (rate * burstiness)) for rate in rates]
