"""Verification cases by family against the newest runs: what passed when, and what the last failures said."""

from dataclasses import dataclass

from qwen_infra.reports.records import VerificationRun
from qwen_infra.verification import CaseResult

__all__ = ["COLUMNS", "Family", "Matrix", "Row", "build_matrix"]

COLUMNS = 8
"""Runs shown, the newest first."""
NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True)
class Row:
    """One case; ``statuses`` has one entry for each shown run."""

    id: str
    proves: str
    statuses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """Cases that belong together; counts are of the newest run."""

    name: str
    rows: tuple[Row, ...]

    def count(self, status: str) -> int:
        return sum(row.statuses[0] == status for row in self.rows)

    @property
    def summary(self) -> str:
        counts = [(self.count(status), status) for status in ("failed", "passed", "skipped", NOT_ASKED)]
        return ", ".join(f"{count} {status}" for count, status in counts if count)


@dataclass(frozen=True, slots=True)
class Matrix:
    """The shown runs, newest first, the families, and the newest run's failures."""

    runs: tuple[VerificationRun, ...]
    families: tuple[Family, ...]
    failures: tuple[CaseResult, ...]

    @property
    def newest(self) -> VerificationRun:
        return self.runs[0]


def build_matrix(verifications: tuple[VerificationRun, ...]) -> Matrix | None:
    """The newest runs as a matrix; None when there is none."""
    if not verifications:
        return None
    runs = tuple(reversed(verifications))[:COLUMNS]
    by_run = [{case.id: case for case in run.report.cases} for run in runs]
    cases: dict[str, CaseResult] = {}
    for known in by_run:
        for case in known.values():
            cases.setdefault(case.id, case)
    rows: dict[str, list[Row]] = {}
    for case in cases.values():
        statuses = tuple(known[case.id].status if case.id in known else NOT_ASKED for known in by_run)
        rows.setdefault(case.family or "other", []).append(Row(case.id, case.proves, statuses))
    return Matrix(
        runs=runs,
        families=tuple(Family(name, tuple(found)) for name, found in rows.items()),
        failures=tuple(case for case in runs[0].report.cases if case.status == "failed"),
    )
