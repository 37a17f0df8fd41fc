"""Every figure that a benchmark reports: its stable id, its formula, its unit and which direction is better.

The definitions are those of ``vllm bench serve`` 0.32 (``calculate_metrics`` and ``benchmark`` in
``vllm/benchmarks/serve.py``, ``async_request_openai_completions`` in ``lib/endpoint_request_func.py``); the ids name
them, because other tools give other meanings to the same words. The arithmetic is in ``metrics``.
"""

from dataclasses import dataclass
from typing import Literal

__all__ = ["DEFINITIONS", "LATENCIES", "PERCENTILES", "Definition"]

Direction = Literal["lower", "higher", "neither"]

PERCENTILES = (50, 90, 95, 99)


@dataclass(frozen=True, slots=True)
class Definition:
    """What a figure means.

    Args:
        id: changes when the meaning does.
        formula: in words that a reader can check.
        unit: ``ms``, ``tok/s``, ...
        better: which direction is better.
    """

    id: str
    formula: str
    unit: str
    better: Direction


LATENCIES: dict[str, tuple[str, str]] = {
    "ttft": (
        "ttft.first-choices-chunk.v1",
        "arrival of the first event with a non-empty `choices`, minus sending; completed requests",
    ),
    "tpot": (
        "tpot.excluding-first-token.v1",
        "(e2el - ttft) / (output tokens - 1) per completed request with more than one output token",
    ),
    "itl": (
        "itl.gap-between-chunks.v1",
        "gap between successive events with a non-empty `choices`, all gaps of all completed requests pooled",
    ),
    "e2el": (
        "e2el.last-choices-chunk.v1",
        "arrival of the last event with a non-empty `choices`, minus sending; without our own queue",
    ),
}

_COUNTS: dict[str, Definition] = {
    "duration": Definition("duration.v1", "start of the load to the end of its last request", "s", "lower"),
    "completed": Definition("completed.v1", "requests whose whole answer came", "requests", "higher"),
    "failed": Definition("failed.v1", "requests that ended in an error", "requests", "lower"),
    "unfinished": Definition("unfinished.v1", "requests stopped or never sent, in a partial run", "requests", "lower"),
    "success_rate": Definition("success-rate.v1", "completed / (completed + failed)", "share", "higher"),
    "total_input_tokens": Definition("input.usage.v1", "prompt tokens of completed requests", "tok", "neither"),
    "total_output_tokens": Definition(
        "output.usage.v1", "`usage.completion_tokens` of completed requests, else their chunks", "tok", "neither"
    ),
    "request_throughput": Definition("request-throughput.v1", "completed / duration", "req/s", "higher"),
    "output_throughput": Definition("output-throughput.v1", "total output tokens / duration", "tok/s", "higher"),
    "total_token_throughput": Definition(
        "total-throughput.v1", "(total input + total output tokens) / duration", "tok/s", "higher"
    ),
    "max_output_tokens_per_s": Definition(
        "peak-output.chunks-per-second-bucket.v1",
        "most chunks in one whole second counted from the first sending; completed requests",
        "tok/s",
        "higher",
    ),
    "max_concurrent_requests": Definition(
        "peak-concurrency.second-bucket.v1",
        "most completed requests that touch one whole second counted from the first sending",
        "requests",
        "neither",
    ),
}


def _define_latencies() -> dict[str, Definition]:
    statistics = {"mean": "mean", "median": "median", "std": "population standard deviation"}
    statistics |= {f"p{rank}": f"{rank}th percentile, linear between ranks" for rank in PERCENTILES}
    return {
        f"{statistic}_{name}_ms": Definition(f"{identity}/{statistic}", f"{words} of: {formula}", "ms", "lower")
        for name, (identity, formula) in LATENCIES.items()
        for statistic, words in statistics.items()
    }


DEFINITIONS: dict[str, Definition] = _COUNTS | _define_latencies()
"""By the key under which the figure is reported, which is ``vllm bench serve --save-result``'s where it has one."""
