"""What is kept of a stack in ``results/<stack>/``, read and typed; a file that cannot be read is told, never dropped.

Nothing is judged here, and nothing is asked of a cluster: what ran there on a schedule is brought here by ``qwen-infra
collect``, as a verification like any other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from qwen_infra.benchmark import (
    Baseline,
    BenchmarkResult,
    SloJudgement,
    Sweep,
    list_baselines,
    list_results,
    list_stacks,
    read_benchmark,
    read_result,
    validate_result,
)
from qwen_infra.errors import ConfigurationError
from qwen_infra.verification import VerificationReport

__all__ = ["BenchmarkRun", "StackRecords", "SweepRun", "Unreadable", "VerificationRun", "read_records", "read_stacks"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class BenchmarkRun:
    """A kept benchmark; ``judgement`` is None where it was made without one (``qwen-infra bench``)."""

    name: str
    result: BenchmarkResult
    judgement: SloJudgement | None = None


@dataclass(frozen=True, slots=True)
class VerificationRun:
    """A kept verification: of a deployment, or collected from the cluster's schedule."""

    name: str
    report: VerificationReport


@dataclass(frozen=True, slots=True)
class SweepRun:
    """A kept sweep."""

    name: str
    sweep: Sweep


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that holds no result that this version can read, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class StackRecords:
    """Everything that is kept of one stack; runs are in the order of their time, oldest first."""

    stack: str
    benchmarks: tuple[BenchmarkRun, ...] = ()
    verifications: tuple[VerificationRun, ...] = ()
    sweeps: tuple[SweepRun, ...] = ()
    baselines: tuple[Baseline, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show, not even a file that could not be read."""
        return not (self.benchmarks or self.verifications or self.sweeps or self.unreadable)


def read_stacks(root: Path, stack: str | None) -> tuple[StackRecords, ...]:
    """The records of one stack, or of every stack that has some.

    Raises:
        ConfigurationError: there is nothing to report.
    """
    names = [stack] if stack is not None else list_stacks(root)
    found = tuple(records for name in names if not (records := read_records(root, name)).is_empty)
    if found:
        return found
    of = f"results/{stack}" if root.name == "results" and stack else f"{root}{f'/{stack}' if stack else ''}"
    others = [name for name in list_stacks(root) if name != stack]
    name = stack or "NAME"
    raise ConfigurationError(
        "there is nothing to report: no verification and no benchmark is kept",
        where=of,
        found=f"results of {', '.join(others)}" if others else "no results",
        mend=f"pulumi up --stack {name}, or qwen-infra bench --stack {name} --url URL --model NAME",
    )


def read_records(root: Path, stack: str) -> StackRecords:
    """The records of one stack; empty where there is no folder."""
    unreadable: list[Unreadable] = []

    def read_all(kind: str, read: Callable[[Path], _T]) -> tuple[_T, ...]:
        found = []
        for path in list_results(root=root, stack=stack, kind=kind):
            try:
                found.append(read(path))
            except ConfigurationError as error:
                unreadable.append(Unreadable(path.name, f"{error.what}"))
        return tuple(found)

    benchmarks = read_all("benchmark", _read_benchmark)
    verifications = read_all("verification", _read_verification)
    sweeps = read_all("sweep", _read_sweep)
    try:
        baselines = tuple(list_baselines(root=root, stack=stack))
    except ConfigurationError as error:
        baselines = ()
        unreadable.append(Unreadable("baseline", error.what))
    return StackRecords(
        stack=stack.rsplit("/", maxsplit=1)[-1],
        benchmarks=tuple(sorted(benchmarks, key=lambda run: run.result.started_at)),
        verifications=tuple(sorted(verifications, key=lambda run: run.report.started_at)),
        sweeps=sweeps,
        baselines=baselines,
        unreadable=tuple(unreadable),
    )


def _read_benchmark(path: Path) -> BenchmarkRun:
    result = read_benchmark(path)
    judged = read_result(path).get("slos")
    try:
        judgement = SloJudgement.model_validate(judged) if judged else None
    except ValidationError:
        judgement = None
    return BenchmarkRun(path.name, result, judgement)


def _read_verification(path: Path) -> VerificationRun:
    return VerificationRun(path.name, validate_result(VerificationReport, read_result(path), path, kind="verification"))


def _read_sweep(path: Path) -> SweepRun:
    return SweepRun(path.name, validate_result(Sweep, read_result(path), path, kind="sweep"))
