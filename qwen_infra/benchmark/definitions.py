"""Every figure that a benchmark reports: its stable id, its formula, its unit and which direction is better.

The definitions are those of ``vllm bench serve`` 0.32 (``calculate_metrics`` and ``benchmark`` in
``vllm/benchmarks/serve.py``, ``async_request_openai_completions`` in ``lib/endpoint_request_func.py``) where it has the
figure; the ids name them, because other tools give other meanings to the same words. The arithmetic is in ``metrics``.
"""

import difflib
import re
from dataclasses import dataclass
from typing import Literal

from qwen_infra.errors import ConfigurationError

__all__ = [
    "DEFINITIONS",
    "LATENCIES",
    "PERCENTILES",
    "Definition",
    "find_definition",
    "read_rank",
    "require_definition",
]

Direction = Literal["lower", "higher", "neither"]

PERCENTILES = (50.0, 90.0, 95.0, 99.0)


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
    "ttft_reasoning": (
        "ttft.first-reasoning-text.v1",
        "arrival of the first text in `reasoning`, minus sending; completed requests that reasoned",
    ),
    "ttft_content": (
        "ttft.first-content-text.v1",
        "arrival of the first text of the answer itself (`content`, `text` or a tool call), minus sending; completed "
        "requests that had one",
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
    "queue": (
        "queue.client-concurrency-limit.v1",
        "time that a due request waited for its place under the concurrency limit, before sending; completed requests",
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
    "request_goodput": Definition(
        "request-goodput.v1",
        "completed requests that keep every goodput limit of the workload / duration; one token has a TPOT of 0",
        "req/s",
        "higher",
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
    "mean_concurrent_requests": Definition(
        "mean-concurrency.little.v1", "sum of completed requests' e2el / duration", "requests", "neither"
    ),
    "cached_prompt_share": Definition(
        "cached-prompt.usage.v1",
        "`usage.prompt_tokens_details.cached_tokens` / prompt tokens, where the server gives it",
        "share",
        "higher",
    ),
}

_SERVER: dict[str, Definition] = {
    "server_queue_ms": Definition(
        "server-queue.mean.v1", "mean of vllm:request_queue_time_seconds over the run", "ms", "lower"
    ),
    "server_ttft_ms": Definition(
        "server-ttft.mean.v1", "mean of vllm:time_to_first_token_seconds over the run", "ms", "lower"
    ),
    "server_tpot_ms": Definition(
        "server-tpot.mean.v1", "mean of vllm:request_time_per_output_token_seconds over the run", "ms", "lower"
    ),
    "server_e2el_ms": Definition(
        "server-e2el.mean.v1", "mean of vllm:e2e_request_latency_seconds over the run", "ms", "lower"
    ),
    "server_preemptions": Definition(
        "server-preemptions.v1", "growth of vllm:num_preemptions over the run", "requests", "lower"
    ),
    "server_prefix_hit_rate": Definition(
        "server-prefix-hits.v1", "growth of vllm:prefix_cache_hits / of vllm:prefix_cache_queries", "share", "higher"
    ),
    "server_acceptance_rate": Definition(
        "server-acceptance.v1",
        "growth of vllm:spec_decode_num_accepted_tokens / of vllm:spec_decode_num_draft_tokens",
        "share",
        "higher",
    ),
    "server_acceptance_length": Definition(
        "server-acceptance-length.v1",
        "1 + growth of vllm:spec_decode_num_accepted_tokens / of vllm:spec_decode_num_drafts",
        "tok",
        "higher",
    ),
    "server_peak_kv_usage": Definition(
        "server-kv-peak.v1", "highest vllm:kv_cache_usage_perc of the samples taken in the run", "share", "neither"
    ),
    "server_peak_waiting": Definition(
        "server-waiting-peak.v1", "highest vllm:num_requests_waiting of the samples taken in the run", "req", "lower"
    ),
}

_STATISTICS = {
    "mean": "mean",
    "median": "median",
    "std": "population standard deviation",
    "min": "least",
    "max": "greatest",
}
_LATENCY_KEY = re.compile(rf"({'|'.join(_STATISTICS)}|p(\d{{1,2}}(?:\.\d{{1,4}})?))_({'|'.join(LATENCIES)})_ms")


def find_definition(key: str) -> Definition | None:
    """What the figure of that key means; any percentile of any latency has a key (``p99.9_ttft_ms``)."""
    known = _COUNTS.get(key) or _SERVER.get(key)
    match = _LATENCY_KEY.fullmatch(key)
    if known is not None or match is None:
        return known
    statistic, rank, name = match.groups()
    identity, formula = LATENCIES[name]
    words = _STATISTICS.get(statistic) or f"{rank}th percentile, linear between ranks,"
    return Definition(f"{identity}/{statistic}", f"{words} of: {formula}", "ms", "lower")


def read_rank(key: str) -> float | None:
    """The percentile that a key asks for: 99.9 of ``p99.9_ttft_ms``; None for any other figure."""
    match = _LATENCY_KEY.fullmatch(key)
    return float(match[2]) if match and match[2] else None


def require_definition(key: str, *, where: str | None = None) -> Definition:
    """What the figure of that key means, which must be one that can be judged.

    Raises:
        ConfigurationError: there is none, or neither direction of it is better; names the nearest.
    """
    definition = find_definition(key)
    if definition is not None and definition.better != "neither":
        return definition
    judgeable = [name for name, known in DEFINITIONS.items() if known.better != "neither"]
    nearest = difflib.get_close_matches(key, judgeable, n=3, cutoff=0.5)
    expected = ", ".join(nearest) if nearest else "a metric such as p99_ttft_ms, output_throughput, success_rate"
    raise ConfigurationError("there is no such metric to set an SLO on", where=where, found=key, expected=expected)


def _define_latencies() -> dict[str, Definition]:
    statistics = ["mean", "median", "std", *(f"p{rank:g}" for rank in PERCENTILES)]
    keys = [f"{statistic}_{name}_ms" for name in LATENCIES for statistic in statistics]
    return {key: definition for key in keys if (definition := find_definition(key)) is not None}


DEFINITIONS: dict[str, Definition] = _COUNTS | _define_latencies() | _SERVER
"""By the key under which the figure is reported, which is ``vllm bench serve --save-result``'s where it has one."""
