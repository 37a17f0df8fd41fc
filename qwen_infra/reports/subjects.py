"""Records sorted by what they are of: one subject a server, and in it one series for each load that can be compared.

Several models of one stack keep their results in one folder and may be served under one name, so a result is told apart
by the server that it names; one that names none (a bare URL, an older version) joins the only server of its served
name.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from qwen_infra.benchmark.slo import Regression, SloRow, judge_slos, list_conditions, parse_slos
from qwen_infra.planning import DeploymentPlan
from qwen_infra.reports.records import BenchmarkRun, StackRecords, SweepRun, VerificationRun

__all__ = ["Series", "Subject", "list_subjects"]

_NO_LIMITS = parse_slos({}, hardware="")


@dataclass(frozen=True, slots=True)
class Series:
    """Runs of one load on one hardware that can be compared with each other, oldest first.

    Args:
        workload: its name.
        hardware: what it ran on.
        runs: at least one.
        baseline: the run to compare with; None when none is set.
        regressions: by name of a run after the baseline, the rows in which it is worse than allowed.
    """

    workload: str
    hardware: str
    runs: tuple[BenchmarkRun, ...]
    baseline: BenchmarkRun | None
    regressions: dict[str, tuple[SloRow, ...]]

    @property
    def newest(self) -> BenchmarkRun:
        return self.runs[-1]

    @property
    def is_simulated(self) -> bool:
        return self.newest.result.simulated


@dataclass(frozen=True, slots=True)
class Subject:
    """One server of a stack: its plan, where the stack file is there, and what is known of it; newest series first."""

    name: str
    served_name: str
    plan: DeploymentPlan | None
    verifications: tuple[VerificationRun, ...]
    series: tuple[Series, ...]
    sweeps: tuple[SweepRun, ...]

    @property
    def benchmarks(self) -> tuple[BenchmarkRun, ...]:
        """Every run of every series, newest first."""
        runs = [run for series in self.series for run in series.runs]
        return tuple(sorted(runs, key=lambda run: run.result.started_at, reverse=True))

    @property
    def is_simulated(self) -> bool:
        """Whether anything here was made by a stand-in."""
        verified = any(run.report.simulated for run in self.verifications)
        return verified or any(series.is_simulated for series in self.series)


def list_subjects(
    records: StackRecords, plans: Sequence[DeploymentPlan], regression: Regression
) -> tuple[Subject, ...]:
    """The servers of a stack in the order of the stack file, then those that only results know.

    Args:
        records: what is kept.
        plans: of the stack file; empty where there is none.
        regression: what counts as worse than the baseline.
    """
    names = _Names(records, plans)
    found: dict[tuple[str, str], list[object]] = {(plan.server.name, names.served(plan)): [] for plan in plans}
    for run in records.benchmarks:
        found.setdefault(names.of(run.result.deployment.server, run.result.model_id), []).append(run)
    for verification in records.verifications:
        found.setdefault(names.of(verification.report.server, verification.report.model), []).append(verification)
    for sweep in records.sweeps:
        first = sweep.sweep.results[0] if sweep.sweep.results else None
        if first is not None:
            found.setdefault(names.of(first.deployment.server, first.model_id), []).append(sweep)
    by_name = {plan.server.name: plan for plan in plans}
    return tuple(
        Subject(
            name=name,
            served_name=served,
            plan=by_name.get(name),
            verifications=tuple(item for item in items if isinstance(item, VerificationRun)),
            series=_list_series([item for item in items if isinstance(item, BenchmarkRun)], records, regression),
            sweeps=tuple(item for item in items if isinstance(item, SweepRun)),
        )
        for (name, served), items in found.items()
    )


class _Names:
    """Which server a result is of."""

    def __init__(self, records: StackRecords, plans: Sequence[DeploymentPlan]) -> None:
        pairs = [(plan.server.name, self.served(plan)) for plan in plans]
        pairs += [(run.result.deployment.server or "", run.result.model_id) for run in records.benchmarks]
        pairs += [(run.report.server or "", run.report.model) for run in records.verifications]
        self._servers: dict[str, list[str]] = {}
        for server, served in pairs:
            known = self._servers.setdefault(served, [])
            if server and server not in known:
                known.append(server)

    @staticmethod
    def served(plan: DeploymentPlan) -> str:
        return plan.server.arguments.served_model_name

    def of(self, server: str | None, served: str) -> tuple[str, str]:
        """Name of the server and served name; of an unnamed server its served name twice, unless only one has it."""
        known = self._servers.get(served, [])
        return (server or (known[0] if len(known) == 1 else served)), served


def _list_series(runs: Sequence[BenchmarkRun], records: StackRecords, regression: Regression) -> tuple[Series, ...]:
    grouped: dict[str, list[BenchmarkRun]] = {}
    for run in runs:
        key = json.dumps([run.result.workload.name, list_conditions(run.result)], sort_keys=True, default=str)
        grouped.setdefault(key, []).append(run)
    marked = {baseline.result for baseline in records.baselines}
    series = [_build_series(group, marked, regression) for group in grouped.values()]
    return tuple(sorted(series, key=lambda one: one.newest.result.started_at, reverse=True))


def _build_series(runs: list[BenchmarkRun], marked: set[str], regression: Regression) -> Series:
    baseline = next((run for run in reversed(runs) if run.name in marked), None)
    later = runs[runs.index(baseline) + 1 :] if baseline is not None else []
    missed = {run.name: _find_missed(run, baseline, regression) for run in later if baseline is not None}
    newest = runs[-1].result
    return Series(
        workload=newest.workload.name,
        hardware=newest.provenance.hardware,
        runs=tuple(runs),
        baseline=baseline,
        regressions={name: rows for name, rows in missed.items() if rows},
    )


def _find_missed(run: BenchmarkRun, baseline: BenchmarkRun, regression: Regression) -> tuple[SloRow, ...]:
    judged = judge_slos(run.result, _NO_LIMITS, regression=regression, baseline=baseline.result)
    return tuple(row for row in judged.rows if row.met is False)
