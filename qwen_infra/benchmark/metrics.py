"""From traces to figures, exactly as ``vllm bench serve`` 0.32 computes them; pure arithmetic.

One deliberate difference: where vLLM reports 0 ms because nothing completed, we report no value.
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from qwen_infra.benchmark.definitions import LATENCIES, PERCENTILES
from qwen_infra.benchmark.figures import Figures
from qwen_infra.benchmark.timeline import build_timeline
from qwen_infra.benchmark.trace import UNFINISHED, RequestTrace

__all__ = ["compute_distributions", "compute_figures", "count_good", "find_percentile"]


def compute_figures(
    traces: Sequence[RequestTrace],
    *,
    duration_s: float,
    percentiles: Sequence[float] = PERCENTILES,
    goodput_ms: Mapping[str, float] | None = None,
) -> Figures:
    """The figures of a run.

    Args:
        traces: every request that was to be sent.
        duration_s: start of the load to the end of its last request.
        percentiles: the ranks to report, 0 to 100.
        goodput_ms: limits of a good request, latency's name to milliseconds.
    """
    completed = [trace for trace in traces if trace.is_completed]
    unfinished = sum(trace.error_kind == UNFINISHED for trace in traces)
    failed = len(traces) - len(completed) - unfinished
    total_input = sum(trace.prompt_tokens for trace in completed)
    total_output = sum(trace.output_length for trace in completed)
    timeline = build_timeline(completed)
    counted = [trace for trace in completed if trace.cached_tokens is not None]
    cached = sum(trace.cached_tokens or 0 for trace in counted)
    ranks = sorted({*PERCENTILES, *percentiles})
    latencies: dict[str, float] = {}
    for name, samples_s in _collect_samples(completed).items():
        latencies |= _summarize(name, samples_s, ranks)
    values: dict[str, float | int | None] = {
        "duration": duration_s,
        "completed": len(completed),
        "failed": failed,
        "unfinished": unfinished,
        "success_rate": _divide(len(completed), len(completed) + failed),
        "total_input_tokens": total_input,
        "total_output_tokens": total_output,
        "request_throughput": _divide(len(completed), duration_s),
        "output_throughput": _divide(total_output, duration_s),
        "total_token_throughput": _divide(total_input + total_output, duration_s),
        "request_goodput": _divide(count_good(completed, goodput_ms), duration_s) if goodput_ms else None,
        "max_output_tokens_per_s": max(timeline.output_tokens, default=None),
        "max_concurrent_requests": max(timeline.running, default=None),
        "mean_concurrent_requests": _divide(sum(trace.latency_s for trace in completed), duration_s),
        "cached_prompt_share": _divide(cached, sum(trace.prompt_tokens for trace in counted)),
    }
    return Figures.model_validate(values | latencies)


def compute_distributions(completed: Iterable[RequestTrace]) -> dict[str, tuple[float, ...]]:
    """By latency, the value at each whole percentile from 0 to 100 [ms]; a latency that nothing had is left out.

    Shape: 101 values each, ascending.
    """
    found = {name: sorted(samples_s) for name, samples_s in _collect_samples(completed).items() if samples_s}
    return {
        name: tuple(round(find_percentile(in_order, rank) * 1000, 3) for rank in range(101))
        for name, in_order in found.items()
    }


def count_good(completed: Iterable[RequestTrace], goodput_ms: Mapping[str, float]) -> int:
    """How many completed requests keep every limit; a request without that latency keeps it, as vLLM has it."""
    return sum(
        all((_read_latency_s(trace, name) or 0.0) * 1000 <= limit for name, limit in goodput_ms.items())
        for trace in completed
    )


def find_percentile(samples: Sequence[float], rank: float) -> float:
    """The ``rank``-th percentile of sorted ``samples``, linear between the two nearest (numpy's default).

    Raises:
        ValueError: there are no samples.
    """
    if not samples:
        msg = "no samples"
        raise ValueError(msg)
    place = (len(samples) - 1) * rank / 100
    below = math.floor(place)
    above = min(below + 1, len(samples) - 1)
    return samples[below] + (samples[above] - samples[below]) * (place - below)


def _collect_samples(completed: Iterable[RequestTrace]) -> dict[str, list[float]]:
    samples: dict[str, list[float]] = {name: [] for name in LATENCIES}
    for trace in completed:
        samples["itl"].extend(later - earlier for earlier, later in pairwise(trace.chunk_times_s))
        for name in LATENCIES:
            value_s = _read_latency_s(trace, name)
            if value_s is not None:
                samples[name].append(value_s)
    return samples


def _read_latency_s(trace: RequestTrace, name: str) -> float | None:
    """One latency of one completed request; None for the pooled ``itl`` and for what it did not have."""
    if name == "ttft_reasoning":
        return None if trace.first_reasoning_s is None else trace.first_reasoning_s - trace.sent_at_s
    if name == "ttft_content":
        return None if trace.first_content_s is None else trace.first_content_s - trace.sent_at_s
    plain = {"ttft": trace.ttft_s, "tpot": trace.tpot_s, "e2el": trace.latency_s, "queue": trace.queued_s}
    return plain.get(name)


def _summarize(name: str, samples_s: list[float], ranks: Sequence[float]) -> dict[str, float]:
    if not samples_s:
        return {}
    in_order = sorted(samples_s)
    mean_s = statistics.fmean(in_order)
    figures_s = {
        "mean": mean_s,
        "median": find_percentile(in_order, 50),
        "std": math.sqrt(statistics.fmean((sample - mean_s) ** 2 for sample in in_order)),
        "min": in_order[0],
        "max": in_order[-1],
        **{f"p{rank:g}": find_percentile(in_order, rank) for rank in ranks},
    }
    return {f"{statistic}_{name}_ms": value_s * 1000 for statistic, value_s in figures_s.items()}


def _divide(amount: float, by: float) -> float | None:
    return amount / by if by > 0 else None
