"""From traces to figures, exactly as ``vllm bench serve`` 0.32 computes them; pure arithmetic.

One deliberate difference: where vLLM reports 0 ms because nothing completed, we report no value.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from itertools import pairwise

from qwen_infra.benchmark.definitions import LATENCIES, PERCENTILES
from qwen_infra.benchmark.figures import Figures
from qwen_infra.benchmark.trace import UNFINISHED, RequestTrace

__all__ = ["compute_figures", "find_percentile"]


def compute_figures(traces: Sequence[RequestTrace], *, duration_s: float) -> Figures:
    """The figures of a run.

    Args:
        traces: every request that was to be sent.
        duration_s: start of the load to the end of its last request.
    """
    completed = [trace for trace in traces if trace.is_completed]
    unfinished = sum(trace.error_kind == UNFINISHED for trace in traces)
    failed = len(traces) - len(completed) - unfinished
    total_input = sum(trace.prompt_tokens for trace in completed)
    total_output = sum(trace.output_length for trace in completed)
    peak_tokens, peak_requests = _find_peaks(completed)
    latencies: dict[str, float] = {}
    for name, samples_s in _collect_samples(completed).items():
        latencies |= _summarize(name, samples_s)
    return Figures(
        duration=duration_s,
        completed=len(completed),
        failed=failed,
        unfinished=unfinished,
        success_rate=_divide(len(completed), len(completed) + failed),
        total_input_tokens=total_input,
        total_output_tokens=total_output,
        request_throughput=_divide(len(completed), duration_s),
        output_throughput=_divide(total_output, duration_s),
        total_token_throughput=_divide(total_input + total_output, duration_s),
        max_output_tokens_per_s=peak_tokens,
        max_concurrent_requests=peak_requests,
        **latencies,
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
        samples["ttft"].append(trace.ttft_s)
        samples["e2el"].append(trace.latency_s)
        samples["itl"].extend(later - earlier for earlier, later in pairwise(trace.chunk_times_s))
        if trace.output_length > 1:
            samples["tpot"].append((trace.latency_s - trace.ttft_s) / (trace.output_length - 1))
    return samples


def _summarize(name: str, samples_s: list[float]) -> dict[str, float]:
    if not samples_s:
        return {}
    in_order = sorted(samples_s)
    mean_s = statistics.fmean(in_order)
    figures_s = {
        "mean": mean_s,
        "median": find_percentile(in_order, 50),
        "std": math.sqrt(statistics.fmean((sample - mean_s) ** 2 for sample in in_order)),
        **{f"p{rank}": find_percentile(in_order, rank) for rank in PERCENTILES},
    }
    return {f"{statistic}_{name}_ms": value_s * 1000 for statistic, value_s in figures_s.items()}


def _find_peaks(completed: Sequence[RequestTrace]) -> tuple[float | None, int | None]:
    """Most chunks, and most requests, in one whole second counted from the first sending."""
    if not completed:
        return None, None
    first_s = min(trace.sent_at_s for trace in completed)
    last_s = max(trace.chunk_times_s[-1] for trace in completed)
    seconds = math.ceil(last_s - first_s) + 1
    chunks, requests = [0] * seconds, [0] * seconds
    for trace in completed:
        for chunk_s in trace.chunk_times_s:
            chunks[int(chunk_s - first_s)] += 1
        for second in range(int(trace.sent_at_s - first_s), int(trace.chunk_times_s[-1] - first_s) + 1):
            requests[second] += 1
    return float(max(chunks)), max(requests)


def _divide(amount: float, by: float) -> float | None:
    return amount / by if by > 0 else None
