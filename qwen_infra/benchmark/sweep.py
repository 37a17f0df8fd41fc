"""Concurrency in geometric steps until the server gives no more: where the knee is, and why it stopped.

The judgement is pure; ``run_sweep`` only repeats a benchmark with one value changed.
"""

from collections.abc import Callable, Sequence

from pydantic import BaseModel, ConfigDict

from qwen_infra.benchmark.result import BenchmarkResult
from qwen_infra.benchmark.runner import BenchmarkOptions, run_benchmark
from qwen_infra.benchmark.workload import Workload
from qwen_infra.client import Endpoint, EndpointError

__all__ = ["KNEE_SHARE", "LEAST_GAIN", "LEAST_SUCCESS", "Sweep", "SweepPoint", "find_knee", "find_stop", "run_sweep"]

LEAST_GAIN = 0.05
"""A doubling that brings less than this share more throughput is the plateau."""
LEAST_SUCCESS = 0.95
KNEE_SHARE = 0.9
"""The knee is the least concurrency that reaches this share of the best throughput."""
_FACTOR = 2
_REQUESTS_A_STREAM = 2
_LEAST_REQUESTS = 8


class SweepPoint(BaseModel):
    """One step: tokens a second of all users and of one, and the latencies that they meet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    concurrency: int
    output_throughput: float
    tokens_per_s_per_user: float | None
    p99_ttft_ms: float | None
    mean_tpot_ms: float | None
    success_rate: float
    partial: bool


class Sweep(BaseModel):
    """All steps; ``knee`` is None when no request was answered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    points: tuple[SweepPoint, ...]
    knee: int | None
    stopped_because: str
    simulated: bool
    made_with: str
    results: tuple[BenchmarkResult, ...]


def find_stop(points: Sequence[SweepPoint], limit: int) -> str | None:
    """Why no further step is of use; None while one is."""
    last = points[-1]
    if last.partial:
        return f"the run at {last.concurrency} was cut short"
    if last.success_rate < LEAST_SUCCESS:
        return f"only {last.success_rate:.0%} of the requests at {last.concurrency} were answered"
    if len(points) > 1:
        before = points[-2].output_throughput
        gain = last.output_throughput / before - 1 if before > 0 else 1.0
        if gain < LEAST_GAIN:
            return f"{last.concurrency} at once brought {gain:.1%} more throughput than {points[-2].concurrency}"
    if last.concurrency >= limit:
        return f"the limit of {limit} at once was reached"
    return None


def find_knee(points: Sequence[SweepPoint]) -> int | None:
    """The least concurrency with 0.9 of the best output throughput; beyond it users mostly wait."""
    best = max((point.output_throughput for point in points), default=0.0)
    reached = [point.concurrency for point in points if best > 0 and point.output_throughput >= KNEE_SHARE * best]
    return min(reached, default=None)


async def run_sweep(
    endpoint: Endpoint,
    workload: Workload,
    *,
    limit: int,
    vocabulary_size: int | None,
    progress: Callable[[str], None] = lambda _: None,
    options: BenchmarkOptions | None = None,
) -> Sweep:
    """Run ``workload`` with 1, 2, 4, ... requests at once, never more than ``limit``, until a stop rule holds.

    Each step has a seed of its own, so that no prefix cache flatters it, and at least two requests a stream.

    Raises:
        ConfigurationError: the workload does not fit the server.
        EndpointError: the server was of no use before the first step began; later ones end the sweep.
    """
    results: list[BenchmarkResult] = []
    points: list[SweepPoint] = []
    stopped_because: str | None = None
    concurrency = 1
    while stopped_because is None:
        step = _make_step(workload, concurrency, len(points))

        def tell(line: str, at: int = concurrency) -> None:
            progress(f"{at} at once: {line}")

        try:
            result = await run_benchmark(
                endpoint,
                step,
                vocabulary_size=vocabulary_size,
                progress=tell,
                options=options,
            )
        except EndpointError as error:
            if not results:
                raise
            stopped_because = f"the run at {concurrency} could not begin: {error.what}"
            break
        results.append(result)
        points.append(_make_point(concurrency, result))
        stopped_because = find_stop(points, limit)
        concurrency = min(concurrency * _FACTOR, limit)
    return Sweep(
        points=tuple(points),
        knee=find_knee(points),
        stopped_because=stopped_because,
        simulated=results[0].simulated,
        made_with=results[0].provenance.description,
        results=tuple(results),
    )


def _make_step(workload: Workload, concurrency: int, number: int) -> Workload:
    requests = max(_REQUESTS_A_STREAM * concurrency, _LEAST_REQUESTS)
    changes = {
        "name": f"sweep-{concurrency}",
        "num_prompts": requests,
        "max_concurrency": concurrency,
        "request_rate": None,
        "rate_ramp": None,
        "seed": workload.seed + number,
        "repeats": 1,
    }
    return Workload.model_validate({**workload.model_dump(), **changes})


def _make_point(concurrency: int, result: BenchmarkResult) -> SweepPoint:
    tpot_ms = result.mean_tpot_ms
    return SweepPoint(
        concurrency=concurrency,
        output_throughput=result.output_throughput or 0.0,
        tokens_per_s_per_user=1000 / tpot_ms if tpot_ms else None,
        p99_ttft_ms=result.p99_ttft_ms,
        mean_tpot_ms=tpot_ms,
        success_rate=result.success_rate or 0.0,
        partial=result.partial,
    )
