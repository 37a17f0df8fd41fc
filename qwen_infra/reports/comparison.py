"""Two runs side by side: every figure that either has, how it changed and whether that is better; what else differs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from qwen_infra.benchmark import DEFINITIONS, BenchmarkResult, find_definition
from qwen_infra.benchmark.slo import list_conditions
from qwen_infra.errors import ConfigurationError
from qwen_infra.reports.records import BenchmarkRun
from qwen_infra.reports.subjects import Subject

__all__ = ["Change", "Comparison", "choose_comparison", "compare_runs", "find_run"]

Verdict = Literal["better", "worse", "same", "noise", "neither"]
_HIDDEN_STATISTICS = ("std_", "p90_", "p95_")
"""Left out of the table of two runs: it is to be read, and both runs' own tables have them."""


@dataclass(frozen=True, slots=True)
class Change:
    """One figure in both runs; ``percent`` is the change from the first, None where either lacks it or it was 0."""

    key: str
    unit: str
    first: float | None
    second: float | None
    percent: float | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs.

    Args:
        first: the older one, or the baseline.
        second: what is held against it.
        role: what the first is, in a few words.
        changes: every figure, in the order of the definitions.
        conditions: what makes them hard to compare, as (what, first, second).
        settings: what else was not the same, as (what, first, second).
    """

    first: BenchmarkRun
    second: BenchmarkRun
    role: str
    changes: tuple[Change, ...]
    conditions: tuple[tuple[str, str, str], ...]
    settings: tuple[tuple[str, str, str], ...]

    @property
    def is_fair(self) -> bool:
        """Whether the same load met the same hardware by the same way."""
        return not self.conditions


def compare_runs(first: BenchmarkRun, second: BenchmarkRun, role: str = "the first run") -> Comparison:
    """Hold ``second`` against ``first``."""
    keys = [key for key in DEFINITIONS if not key.startswith(_HIDDEN_STATISTICS)]
    changes = [_compare(key, first.result, second.result) for key in keys]
    return Comparison(
        first=first,
        second=second,
        role=role,
        changes=tuple(change for change in changes if change.first is not None or change.second is not None),
        conditions=_differences(_conditions(first.result), _conditions(second.result)),
        settings=_differences(_settings(first.result), _settings(second.result)),
    )


def choose_comparison(subject: Subject) -> Comparison | None:
    """The newest run against its baseline, else against the run before it; None when it is alone."""
    for series in subject.series:
        if series.baseline is not None and series.baseline is not series.newest:
            return compare_runs(series.baseline, series.newest, "the baseline")
        if len(series.runs) > 1:
            return compare_runs(series.runs[-2], series.newest, "the run before")
    return None


def find_run(runs: Sequence[BenchmarkRun], wanted: str) -> BenchmarkRun:
    """The run that a user means: its file's name or path, or any part of the name that only it has.

    Raises:
        ConfigurationError: none or several; lists what there is.
    """
    name = wanted.rsplit("/", maxsplit=1)[-1]
    exact = [run for run in runs if run.name == name]
    found = exact or [run for run in runs if name and name in run.name]
    if len(found) == 1:
        return found[0]
    newest = [run.name for run in sorted(runs, key=lambda run: run.result.started_at, reverse=True)[:5]]
    raise ConfigurationError(
        "several runs have that in their name" if found else "there is no such run",
        where="--compare",
        found=wanted,
        expected=f"the file's name, or a part that one run alone has, such as {', '.join(newest) or 'none is kept'}",
        mend="qwen-infra history lists them",
    )


def _compare(key: str, first: BenchmarkResult, second: BenchmarkResult) -> Change:
    definition = find_definition(key)
    assert definition is not None  # keys are those of the definitions
    one, other = first.value(key), second.value(key)
    if one is None or other is None:
        return Change(key, definition.unit, one, other, None, "neither")
    percent = (other / one - 1) * 100 if one else None
    return Change(key, definition.unit, one, other, percent, _judge(key, first, second, definition.better))


def _judge(key: str, first: BenchmarkResult, second: BenchmarkResult, better: str) -> Verdict:
    """``noise`` where the bands of the repeats touch; a run without repeats has a band of one value."""
    one, other = first.value(key) or 0.0, second.value(key) or 0.0
    if one == other:
        return "same"
    if better == "neither":
        return "neither"
    first_low, first_high = first.noise.get(key, (one, one))
    second_low, second_high = second.noise.get(key, (other, other))
    if second_low <= first_high and first_low <= second_high:
        return "noise"
    return "better" if (other < one) == (better == "lower") else "worse"


def _conditions(result: BenchmarkResult) -> dict[str, str]:
    conditions = list_conditions(result)
    workload = conditions.pop("workload")
    assert isinstance(workload, dict)
    return {name: str(value) for name, value in conditions.items()} | {
        f"workload: {name}": str(value) for name, value in workload.items()
    }


def _settings(result: BenchmarkResult) -> dict[str, str]:
    facts = result.deployment.model_dump(exclude={"gpus", "replicas", "stack"})
    return {name: str(value) for name, value in facts.items()} | {
        "server version": str(result.provenance.server_version),
        "seed": str(result.workload.seed),
        "repeats": str(result.workload.repeats),
        "runner": result.runner,
    }


def _differences(first: dict[str, str], second: dict[str, str]) -> tuple[tuple[str, str, str], ...]:
    names = dict.fromkeys([*first, *second])
    return tuple(
        (name, first.get(name, "-"), second.get(name, "-")) for name in names if first.get(name) != second.get(name)
    )
