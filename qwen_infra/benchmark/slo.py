"""Service level objectives: limits on a result's figures and on their change since a baseline, and their judgement.

Limits are set for one hardware and judged on no other: a figure from a stand-in says nothing about the real thing.
No measuring here, and no reading of files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from qwen_infra.benchmark.definitions import read_rank, require_definition
from qwen_infra.benchmark.result import BenchmarkResult
from qwen_infra.errors import ConfigurationError

__all__ = [
    "REGRESSION_METRICS",
    "Regression",
    "Slo",
    "SloJudgement",
    "SloRow",
    "SloSet",
    "judge_slos",
    "list_conditions",
    "list_percentiles",
    "parse_regression",
    "parse_slos",
]

Verdict = Literal["met", "missed", "not judged"]
Bound = Literal["max", "min"]

REGRESSION_METRICS = ("output_throughput", "mean_ttft_ms", "p99_ttft_ms", "mean_tpot_ms", "p99_tpot_ms")
"""What is compared with a baseline where nothing else is asked for."""


@dataclass(frozen=True, slots=True)
class Slo:
    """One limit.

    Args:
        metric: a key that ``find_definition`` knows.
        limit: in the metric's unit.
        bound: whether the value may be at most (``max``) or must be at least (``min``) the limit.
    """

    metric: str
    limit: float
    bound: Bound


@dataclass(frozen=True, slots=True)
class SloSet:
    """Limits and the hardware that they were set for.

    Args:
        hardware: as in ``Provenance.hardware``, such as ``NVIDIA-GB200``.
        slos: the limits.
    """

    hardware: str
    slos: tuple[Slo, ...]


@dataclass(frozen=True, slots=True)
class Regression:
    """How much worse than a baseline a figure may be.

    Args:
        percent: of the baseline's value.
        metrics: which figures.
    """

    percent: float
    metrics: tuple[str, ...]


class SloRow(BaseModel):
    """One limit beside the value; ``met`` is None when it was not judged.

    ``baseline`` is the baseline's value, where there is one; a row of kind ``regression`` has its limit from it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    bound: Bound
    limit: float
    value: float | None
    baseline: float | None = None
    kind: Literal["limit", "regression"] = "limit"
    met: bool | None


class SloJudgement(BaseModel):
    """The verdict, the sentence that says why, and the rows for a table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdict: Verdict
    reason: str
    rows: tuple[SloRow, ...]

    @property
    def passed(self) -> bool:
        """Whether a deployment may go on: nothing was missed."""
        return self.verdict != "missed"


def parse_slos(limits: Mapping[str, object], *, hardware: str, where: str | None = None) -> SloSet:
    """Limits from a stack file, metric to number: the most where lower is better, the least where higher is better.

    Raises:
        ConfigurationError: an unknown metric (names the nearest), or a limit that is none; ``where`` names the place.
    """
    return SloSet(hardware=hardware, slos=tuple(_parse_slo(metric, value, where) for metric, value in limits.items()))


def parse_regression(percent: float, metrics: tuple[str, ...] | None, *, where: str | None = None) -> Regression:
    """The allowed change; without ``metrics`` the usual ones.

    Raises:
        ConfigurationError: an unknown metric (names the nearest).
    """
    chosen = metrics or REGRESSION_METRICS
    for metric in chosen:
        require_definition(metric, where=where)
    return Regression(percent, chosen)


def list_percentiles(slos: SloSet, regression: Regression | None) -> tuple[float, ...]:
    """The percentiles that a run has to report so that all of it can be judged."""
    metrics = [slo.metric for slo in slos.slos] + list(regression.metrics if regression else ())
    return tuple(sorted({rank for metric in metrics if (rank := read_rank(metric)) is not None}))


def judge_slos(
    result: BenchmarkResult,
    slo_set: SloSet,
    *,
    regression: Regression | None = None,
    baseline: BenchmarkResult | None = None,
) -> SloJudgement:
    """Hold a result against the limits, if it ran on their hardware, and against a baseline of the same load."""
    limits, limits_reason = _judge_limits(result, slo_set, baseline)
    changes, changes_reason = _judge_changes(result, regression, baseline)
    rows = limits + changes
    reasons = "; ".join(reason for reason in (limits_reason, changes_reason) if reason)
    judged = [row for row in rows if row.met is not None]
    missed = [row for row in judged if not row.met]
    if missed:
        told = f"{_say_missed(missed, len(judged))}{f'; {reasons}' if reasons else ''}"
        return SloJudgement(verdict="missed", reason=told, rows=rows)
    if not judged:
        return SloJudgement(verdict="not judged", reason=reasons or "no SLOs are set", rows=rows)
    if result.partial:
        told = f"the run is partial, which meets no SLO: {result.partial_because}"
        return SloJudgement(verdict="missed", reason=told, rows=rows)
    told = f"{len(judged)} of {len(judged)} SLOs met{f'; {reasons}' if reasons else ''}"
    return SloJudgement(verdict="met", reason=told, rows=rows)


def _judge_limits(
    result: BenchmarkResult, slo_set: SloSet, baseline: BenchmarkResult | None
) -> tuple[tuple[SloRow, ...], str]:
    is_judged = result.provenance.hardware == slo_set.hardware
    rows = tuple(_build_row(slo, result, baseline, judged=is_judged) for slo in slo_set.slos)
    if is_judged or not rows:
        return rows, ""
    ran_on = _say_hardware(result)
    return rows, f"SLOs were set for {slo_set.hardware}; this ran on {ran_on}, so they were not judged"


def _judge_changes(
    result: BenchmarkResult, regression: Regression | None, baseline: BenchmarkResult | None
) -> tuple[tuple[SloRow, ...], str]:
    if regression is None:
        return (), ""
    if baseline is None:
        return (), "no baseline to compare with (qwen-infra baseline set)"
    difference = _find_difference(result, baseline)
    if difference:
        return (), f"the baseline is of another {difference}, so nothing was compared"
    rows = tuple(
        _compare(metric, regression.percent, result, baseline)
        for metric in regression.metrics
        if baseline.value(metric) is not None
    )
    return rows, ""


def list_conditions(result: BenchmarkResult) -> dict[str, object]:
    """What has to be the same in two runs that are compared, by what it is called in a sentence."""
    return {
        "workload": result.workload.load_key(),
        "hardware": result.provenance.hardware,
        "number of GPUs": result.deployment.gpus,
        "number of replicas": result.deployment.replicas,
        "way to the server": result.reached_by,
        "version of the figures": result.result_version,
    }


def _find_difference(result: BenchmarkResult, baseline: BenchmarkResult) -> str | None:
    """What makes two runs incomparable; None when they can be compared."""
    ours, theirs = list_conditions(result), list_conditions(baseline)
    return next((name for name, value in ours.items() if value != theirs[name]), None)


def _compare(metric: str, percent: float, result: BenchmarkResult, baseline: BenchmarkResult) -> SloRow:
    """Worse only when it is beyond the percentage and the bands of the repeats do not touch.

    A run without repeats has a band of one value.
    """
    is_lower_better = require_definition(metric).better == "lower"
    then, now = baseline.value(metric), result.value(metric)
    assert then is not None  # the caller has looked
    limit = then * (1 + percent / 100 if is_lower_better else 1 - percent / 100)
    met = False
    if now is not None:
        then_low, then_high = baseline.noise.get(metric, (then, then))
        now_low, now_high = result.noise.get(metric, (now, now))
        bands_touch = now_low <= then_high if is_lower_better else now_high >= then_low
        met = bands_touch or (now <= limit if is_lower_better else now >= limit)
    bound: Bound = "max" if is_lower_better else "min"
    return SloRow(metric=metric, bound=bound, limit=limit, value=now, baseline=then, kind="regression", met=met)


def _parse_slo(metric: str, value: object, where: str | None) -> Slo:
    bound: Bound = "max" if require_definition(metric, where=where).better == "lower" else "min"
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ConfigurationError(
            f"the SLO on {metric} is no limit", where=where, found=repr(value), expected="a number from 0 up"
        )
    return Slo(metric=metric, limit=float(value), bound=bound)


def _build_row(slo: Slo, result: BenchmarkResult, baseline: BenchmarkResult | None, *, judged: bool) -> SloRow:
    value = result.value(slo.metric)
    met: bool | None = None
    if judged:
        met = value is not None and (value <= slo.limit if slo.bound == "max" else value >= slo.limit)
    then = baseline.value(slo.metric) if baseline is not None and not _find_difference(result, baseline) else None
    return SloRow(metric=slo.metric, bound=slo.bound, limit=slo.limit, value=value, baseline=then, met=met)


def _say_missed(missed: list[SloRow], total: int) -> str:
    return f"{'; '.join(_say_row(row) for row in missed)} ({len(missed)} of {total} SLOs missed)"


def _say_row(row: SloRow) -> str:
    value = "no value" if row.value is None else f"{row.value:.4g}"
    bound = "at most" if row.bound == "max" else "at least"
    if row.kind == "regression":
        return f"{row.metric} is {value}, the baseline's was {row.baseline:.4g}, allowed is {bound} {row.limit:.4g}"
    return f"{row.metric} is {value}, the limit is {bound} {row.limit:g}"


def _say_hardware(result: BenchmarkResult) -> str:
    return {
        "cpu-miniature": "cpu (a miniature model on the CPU)",
        "simulator": "the simulator",
        "unknown": "unknown hardware",
    }.get(result.provenance.kind, result.provenance.hardware)
