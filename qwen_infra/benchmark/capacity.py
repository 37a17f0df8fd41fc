"""What a measurement says about capacity: share of the physical limit, cost, replicas for a rate, drain time. Pure.

All of it is of the load that was measured; another length of prompts or answers is another capacity.
"""

import math

from pydantic import BaseModel, ConfigDict

from qwen_infra.benchmark.result import BenchmarkResult
from qwen_infra.catalog import find_gpu, find_model
from qwen_infra.errors import ConfigurationError
from qwen_infra.sizing import FitRequest, PhysicalLimit, Traffic, estimate_limit, fit_model

__all__ = ["HEADROOM", "Capacity", "derive_capacity"]

HEADROOM = 0.7
"""Share of the measured rate that a replica is planned for: queues grow without bound towards 1."""
_SECONDS_AN_HOUR = 3600
_DRAIN_MARGIN_S = 5


class Capacity(BaseModel):
    """Each value is None where the run or its caller lacks what it needs.

    Args:
        output_tokens_per_s_per_gpu: output throughput / (GPUs · replicas).
        output_tokens_per_s_per_user: 1000 / mean TPOT.
        tpot_share_of_limit: least TPOT that the hardware allows (``sizing``) / mean TPOT measured.
        throughput_share_of_limit: output throughput / most that the hardware allows, per replica.
        cost_per_million_output_tokens: GPU price · GPUs · replicas / output tokens an hour · 1,000,000.
        replicas_for_rate: rate / (0.7 · requests a second of one replica), rounded up.
        drain_s: p99 TTFT + output tokens · p99 TPOT + 5 s, rounded up: what the longest measured answer needs.
        is_lower_bound: the run was paced by its arrivals, so the server may be able to do more.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    output_tokens_per_s_per_gpu: float | None = None
    output_tokens_per_s_per_user: float | None = None
    tpot_share_of_limit: float | None = None
    throughput_share_of_limit: float | None = None
    cost_per_million_output_tokens: float | None = None
    replicas_for_rate: int | None = None
    drain_s: int | None = None
    is_lower_bound: bool


def derive_capacity(
    result: BenchmarkResult, *, gpu_price_per_hour: float | None = None, request_rate: float | None = None
) -> Capacity:
    """The capacity that a result shows.

    Args:
        result: a run; of a stand-in it says nothing about a GPU, and no limit is given.
        gpu_price_per_hour: of one GPU, in any currency.
        request_rate: wanted, in requests a second.

    Raises:
        ConfigurationError: no request was answered.
    """
    if not result.completed or not result.output_throughput:
        raise ConfigurationError(
            "a run without an answered request says nothing about capacity",
            found=result.summary,
            mend="qwen-infra history lists the runs; choose one whose requests were answered",
        )
    deployment = result.deployment
    replicas = deployment.replicas or 1
    gpus = deployment.gpus * replicas if deployment.gpus else None
    limit = None if result.simulated else _find_limit(result)
    tpot_ms, rate = result.mean_tpot_ms, result.request_throughput
    output_rate = result.output_throughput
    price = gpu_price_per_hour * gpus if gpu_price_per_hour and gpus else None
    return Capacity(
        output_tokens_per_s_per_gpu=output_rate / gpus if gpus else None,
        output_tokens_per_s_per_user=1000 / tpot_ms if tpot_ms else None,
        tpot_share_of_limit=limit.share_of_tpot(tpot_ms) if limit and tpot_ms else None,
        throughput_share_of_limit=output_rate / replicas / limit.output_tokens_per_s if limit else None,
        cost_per_million_output_tokens=price / (output_rate * _SECONDS_AN_HOUR) * 1e6 if price else None,
        replicas_for_rate=math.ceil(request_rate / (HEADROOM * rate / replicas)) if request_rate and rate else None,
        drain_s=_propose_drain_s(result),
        is_lower_bound=result.workload.request_rate is not None or result.workload.rate_ramp is not None,
    )


def _propose_drain_s(result: BenchmarkResult) -> int | None:
    if result.p99_ttft_ms is None or result.p99_tpot_ms is None:
        return None
    longest = result.workload.output_tokens * (1 + result.workload.length_spread)
    return math.ceil((result.p99_ttft_ms + longest * result.p99_tpot_ms) / 1000) + _DRAIN_MARGIN_S


def _find_limit(result: BenchmarkResult) -> PhysicalLimit | None:
    """The bound for the deployment's hardware under the measured load; None when the result does not say which."""
    deployment, workload = result.deployment, result.workload
    if not (deployment.model and deployment.precision and deployment.gpu and deployment.gpus):
        return None
    fit = fit_model(
        FitRequest(
            model=find_model(deployment.model),
            precision=deployment.precision,
            gpu=find_gpu(deployment.gpu),
            tensor_parallel_size=deployment.gpus,
            max_model_len=workload.longest_context,
        )
    )
    running = (result.mean_concurrent_requests or result.max_concurrent_requests or 1) / (deployment.replicas or 1)
    traffic = Traffic(max(round(running), 1), workload.input_tokens, workload.output_tokens)
    return estimate_limit(fit, traffic)
