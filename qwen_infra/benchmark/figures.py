"""The figures of a benchmark as typed fields; None where there is nothing to measure, never a made-up zero.

The names are ``vllm bench serve --save-result``'s; ``definitions`` says what each means and ``metrics`` computes them.
"""

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt

__all__ = ["Figures"]

Latency = NonNegativeFloat | None


class Figures(BaseModel):
    """What was measured; every field has an entry of its name in ``DEFINITIONS``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    duration: NonNegativeFloat
    completed: NonNegativeInt
    failed: NonNegativeInt
    unfinished: NonNegativeInt = 0
    success_rate: NonNegativeFloat | None
    total_input_tokens: NonNegativeInt
    total_output_tokens: NonNegativeInt
    request_throughput: NonNegativeFloat | None
    output_throughput: NonNegativeFloat | None
    total_token_throughput: NonNegativeFloat | None
    max_output_tokens_per_s: NonNegativeFloat | None
    max_concurrent_requests: NonNegativeInt | None

    mean_ttft_ms: Latency = None
    median_ttft_ms: Latency = None
    std_ttft_ms: Latency = None
    p50_ttft_ms: Latency = None
    p90_ttft_ms: Latency = None
    p95_ttft_ms: Latency = None
    p99_ttft_ms: Latency = None

    mean_tpot_ms: Latency = None
    median_tpot_ms: Latency = None
    std_tpot_ms: Latency = None
    p50_tpot_ms: Latency = None
    p90_tpot_ms: Latency = None
    p95_tpot_ms: Latency = None
    p99_tpot_ms: Latency = None

    mean_itl_ms: Latency = None
    median_itl_ms: Latency = None
    std_itl_ms: Latency = None
    p50_itl_ms: Latency = None
    p90_itl_ms: Latency = None
    p95_itl_ms: Latency = None
    p99_itl_ms: Latency = None

    mean_e2el_ms: Latency = None
    median_e2el_ms: Latency = None
    std_e2el_ms: Latency = None
    p50_e2el_ms: Latency = None
    p90_e2el_ms: Latency = None
    p95_e2el_ms: Latency = None
    p99_e2el_ms: Latency = None
