"""The reference deployment's benchmark figures as data (reference deployment, section 6): INT4 on 4 x NVIDIA GB200.

Only for showing beside a result; an SLO is set in the stack file, never taken from here.
"""

__all__ = ["REFERENCE_FIGURES", "REFERENCE_HARDWARE", "REFERENCE_TITLE"]

REFERENCE_TITLE = "397B INT4, 4 x GB200"
REFERENCE_HARDWARE = "NVIDIA-GB200"

REFERENCE_FIGURES: dict[str, float] = {
    "completed": 32,
    "failed": 0,
    "request_rate": 10.0,
    "duration": 32.58,
    "total_input_tokens": 256000,
    "total_output_tokens": 32768,
    "request_throughput": 0.98,
    "output_throughput": 1005.85,
    "max_output_tokens_per_s": 1152.00,
    "max_concurrent_requests": 32,
    "total_token_throughput": 8864.01,
    "mean_ttft_ms": 308.19,
    "median_ttft_ms": 287.37,
    "p99_ttft_ms": 494.26,
    "mean_tpot_ms": 29.54,
    "median_tpot_ms": 29.62,
    "p99_tpot_ms": 30.58,
    "mean_itl_ms": 29.54,
    "median_itl_ms": 28.52,
    "p99_itl_ms": 30.89,
}
