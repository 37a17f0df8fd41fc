"""Service level objectives: limits on a result's figures, and their judgement.

Limits are set for one hardware and judged on no other: a figure from a stand-in says nothing about the real thing.
No measuring here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from qwen_infra.benchmark.definitions import require_definition
from qwen_infra.benchmark.result import BenchmarkResult
from qwen_infra.errors import ConfigurationError

__all__ = ["Slo", "SloJudgement", "SloRow", "SloSet", "judge_slos", "parse_slos"]

Verdict = Literal["met", "missed", "not judged"]
Bound = Literal["max", "min"]


@dataclass(frozen=True, slots=True)
class Slo:
    """One limit.

    Args:
        metric: a key of ``DEFINITIONS``.
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


class SloRow(BaseModel):
    """One limit beside the value; ``met`` is None when it was not judged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    bound: Bound
    limit: float
    value: float | None
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


def parse_slos(limits: Mapping[str, object], *, hardware: str) -> SloSet:
    """Limits from a stack file's mapping of metric to number, or to ``{"max": number}`` or ``{"min": number}``.

    A bare number is an upper limit where lower is better, and a lower limit where higher is.

    Raises:
        ConfigurationError: an unknown metric (names the nearest), or a limit that is none.
    """
    return SloSet(hardware=hardware, slos=tuple(_parse_slo(metric, value) for metric, value in limits.items()))


def judge_slos(result: BenchmarkResult, slo_set: SloSet) -> SloJudgement:
    """Hold a result against the limits, if it was measured on their hardware."""
    if not slo_set.slos:
        return SloJudgement(verdict="not judged", reason="no SLOs are set", rows=())
    hardware = result.provenance.hardware
    if hardware != slo_set.hardware:
        rows = tuple(_build_row(slo, result, judged=False) for slo in slo_set.slos)
        reason = f"SLOs were set for {slo_set.hardware}; this ran on {_say_hardware(result)}, so they were not judged"
        return SloJudgement(verdict="not judged", reason=reason, rows=rows)
    rows = tuple(_build_row(slo, result, judged=True) for slo in slo_set.slos)
    missed = [row for row in rows if not row.met]
    if missed:
        return SloJudgement(verdict="missed", reason=_say_missed(missed, len(rows)), rows=rows)
    if result.partial:
        reason = f"the run is partial, which meets no SLO: {result.partial_because}"
        return SloJudgement(verdict="missed", reason=reason, rows=rows)
    return SloJudgement(verdict="met", reason=f"{len(rows)} of {len(rows)} SLOs met", rows=rows)


def _parse_slo(metric: str, value: object) -> Slo:
    definition = require_definition(metric)
    bound: Bound = "max" if definition.better == "lower" else "min"
    if isinstance(value, Mapping):
        bound, value = _parse_bound(metric, value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ConfigurationError(f"the SLO on {metric} is no limit", found=repr(value), expected="a number from 0 up")
    return Slo(metric=metric, limit=float(value), bound=bound)


def _parse_bound(metric: str, value: Mapping[object, object]) -> tuple[Bound, object]:
    if set(value) == {"max"}:
        return "max", value["max"]
    if set(value) == {"min"}:
        return "min", value["min"]
    raise ConfigurationError(f"the SLO on {metric} needs one of max and min", found=dict(value))


def _build_row(slo: Slo, result: BenchmarkResult, *, judged: bool) -> SloRow:
    value = result.value(slo.metric)
    met: bool | None = None
    if judged:
        met = value is not None and (value <= slo.limit if slo.bound == "max" else value >= slo.limit)
    return SloRow(metric=slo.metric, bound=slo.bound, limit=slo.limit, value=value, met=met)


def _say_missed(missed: list[SloRow], total: int) -> str:
    parts = []
    for row in missed:
        value = "no value" if row.value is None else f"{row.value:.4g}"
        parts.append(
            f"{row.metric} is {value}, the limit is {'at most' if row.bound == 'max' else 'at least'} {row.limit:g}"
        )
    return f"{'; '.join(parts)} ({len(missed)} of {total} SLOs missed)"


def _say_hardware(result: BenchmarkResult) -> str:
    return {
        "cpu-miniature": "cpu (a miniature model on the CPU)",
        "simulator": "the simulator",
        "unknown": "unknown hardware",
    }.get(result.provenance.kind, result.provenance.hardware)
