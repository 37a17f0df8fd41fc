"""vLLM's metric names and buckets, counted and written in the Prometheus text format. No HTTP here."""

from bisect import bisect_left
from collections.abc import Mapping

__all__ = ["EngineMetrics", "Gauges"]

Labels = tuple[tuple[str, str], ...]

# vLLM 0.32, v1/metrics/buckets.py
LATENCY_BUCKETS_S = (0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680)
FIRST_TOKEN_BUCKETS_S = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75),
    *(1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0, 160.0, 640.0, 2560.0),
)
TOKEN_BUCKETS_S = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0),
)


class Gauges:
    """Values that the engine is asked for when somebody scrapes."""

    def __init__(self, *, running: int, waiting: int, kv_cache_usage: float) -> None:
        self.running = running
        self.waiting = waiting
        self.kv_cache_usage = kv_cache_usage


class _Histogram:
    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def lines(self, name: str, labels: str) -> list[str]:
        lines, total = [], 0
        bounds = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        for bound, count in zip(bounds, self._counts, strict=True):
            total += count
            lines.append(f'{name}_bucket{{{labels},le="{bound}"}} {float(total)}')
        return [*lines, f"{name}_count{{{labels}}} {float(total)}", f"{name}_sum{{{labels}}} {self._sum}"]


_HISTOGRAMS = {
    "vllm:time_to_first_token_seconds": ("Histogram of time to first token in seconds.", FIRST_TOKEN_BUCKETS_S),
    "vllm:inter_token_latency_seconds": ("Histogram of inter-token latency in seconds.", TOKEN_BUCKETS_S),
    "vllm:request_time_per_output_token_seconds": (
        "Histogram of time_per_output_token_seconds per request.",
        TOKEN_BUCKETS_S,
    ),
    "vllm:e2e_request_latency_seconds": ("Histogram of e2e request latency in seconds.", LATENCY_BUCKETS_S),
    "vllm:request_queue_time_seconds": ("Histogram of time spent in WAITING phase for request.", LATENCY_BUCKETS_S),
    "vllm:request_inference_time_seconds": ("Histogram of time spent in RUNNING phase for request.", LATENCY_BUCKETS_S),
    "vllm:request_prefill_time_seconds": ("Histogram of time spent in PREFILL phase for request.", LATENCY_BUCKETS_S),
    "vllm:request_decode_time_seconds": ("Histogram of time spent in DECODE phase for request.", LATENCY_BUCKETS_S),
    "vllm:request_prompt_tokens": ("Number of prefill tokens processed.", ()),
    "vllm:request_generation_tokens": ("Number of generation tokens processed.", ()),
}
_COUNTERS = {
    "vllm:prefix_cache_queries": "Prefix cache queries, in terms of number of queried tokens.",
    "vllm:prefix_cache_hits": "Prefix cache hits, in terms of number of cached tokens.",
    "vllm:num_preemptions": "Cumulative number of preemption from the engine.",
    "vllm:prompt_tokens": "Number of prefill tokens processed.",
    "vllm:prompt_tokens_cached": "Number of cached prompt tokens (local + external).",
    "vllm:generation_tokens": "Number of generation tokens processed.",
}
_FINISH_REASONS = ("stop", "length", "abort", "error", "repetition")


class EngineMetrics:
    """Counters and histograms of one engine.

    Args:
        model_name: the label of the same name.
        max_model_len: the largest bucket of the token histograms.
        cache_config: labels of ``vllm:cache_config_info``.
    """

    def __init__(self, model_name: str, max_model_len: int, cache_config: Mapping[str, str]) -> None:
        self._labels = f'engine="0",model_name="{_escape(model_name)}"'
        self._cache_labels = (
            ",".join(f'{key}="{_escape(value)}"' for key, value in cache_config.items()) + ',engine="0"'
        )
        token_buckets = _build_125_buckets(max_model_len)
        self._histograms = {name: _Histogram(bounds or token_buckets) for name, (_, bounds) in _HISTOGRAMS.items()}
        self._counters = dict.fromkeys(_COUNTERS, 0)
        self._success = dict.fromkeys(_FINISH_REASONS, 0)
        self.observe_token_gap = self._histograms["vllm:inter_token_latency_seconds"].observe

    def add(self, counter: str, amount: int) -> None:
        """Add to the counter ``vllm:<counter>``."""
        self._counters[f"vllm:{counter}"] += amount

    def observe(self, histogram: str, value: float) -> None:
        """Record a value in the histogram ``vllm:<histogram>``."""
        self._histograms[f"vllm:{histogram}"].observe(value)

    def count_finished(self, reason: str) -> None:
        """Count a request that ended for ``reason``."""
        self._success[reason] += 1

    def render(self, gauges: Gauges) -> str:
        """Everything in the Prometheus text format."""
        lines: list[str] = []
        for name, text, value in (
            ("vllm:num_requests_running", "Number of requests in model execution batches.", gauges.running),
            ("vllm:num_requests_waiting", "Number of requests waiting to be processed.", gauges.waiting),
            ("vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", gauges.kv_cache_usage),
        ):
            lines += [*_head(name, text, "gauge"), f"{name}{{{self._labels}}} {float(value)}"]
        lines += _head("vllm:cache_config_info", "Information of the LLMEngine CacheConfig", "gauge")
        lines.append(f"vllm:cache_config_info{{{self._cache_labels}}} 1.0")
        for name, text in _COUNTERS.items():
            lines += _head(f"{name}_total", text, "counter")
            lines.append(f"{name}_total{{{self._labels}}} {float(self._counters[name])}")
        lines += _head("vllm:request_success_total", "Count of successfully processed requests.", "counter")
        for reason, count in self._success.items():
            lines.append(f'vllm:request_success_total{{finished_reason="{reason}",{self._labels}}} {float(count)}')
        for name, (text, _) in _HISTOGRAMS.items():
            lines += _head(name, text, "histogram")
            lines += self._histograms[name].lines(name, self._labels)
        return "\n".join(lines) + "\n"


def _head(name: str, text: str, kind: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _build_125_buckets(largest: int) -> tuple[float, ...]:
    bounds = [float(mantissa * 10**exponent) for exponent in range(len(str(largest))) for mantissa in (1, 2, 5)]
    return tuple(bound for bound in bounds if bound <= largest)
