"""What a verification run found: one JSON document, the one-line summary, and nothing about how it came about.

The keys ``passed``, ``simulated`` and ``cases[].{id,status,duration_s,detail}`` are relied upon by other programs.
"""

from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, NonNegativeFloat, model_validator

from qwen_infra.client import Provenance, shorten

__all__ = ["CaseResult", "CaseStatus", "VerificationReport"]

CaseStatus = Literal["passed", "failed", "skipped"]

_SUMMARY_LIMIT = 300


class CaseResult(BaseModel):
    """What became of one case; ``expected`` and ``actual`` are shortened, ``detail`` is one line.

    Args:
        attempts: how often it was asked until it passed or gave up, since a model samples.
        runs: how often the case ran (more than once in a soak).
        flakes: in how many of the runs it failed.
        late_connections: attempts to connect, over all runs, that ran out of time and were followed by another.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    status: CaseStatus
    duration_s: NonNegativeFloat
    detail: str
    proves: str
    family: str = ""
    attempts: int = 1
    runs: int = 1
    flakes: int = 0
    late_connections: int = 0
    expected: str | None = None
    actual: str | None = None
    request_id: str | None = None


class VerificationReport(BaseModel):
    """The results of one run of the suite.

    Args:
        passed: no case failed and at least one passed.
        simulated: the same as ``provenance.simulated``, at the top because programs look for it there.
        cases: in the order of the registry.
        server: which of a stack's servers, since one stack may serve several models under one name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    passed: bool
    simulated: bool
    suite_version: str
    level: str
    model: str
    url: str
    started_at: AwareDatetime
    duration_s: NonNegativeFloat
    provenance: Provenance
    cases: tuple[CaseResult, ...]
    server: str | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.passed != is_passed(self.cases):
            msg = f"passed={self.passed} contradicts the cases"
            raise ValueError(msg)
        if self.simulated != self.provenance.simulated:
            msg = f"simulated={self.simulated} contradicts the provenance"
            raise ValueError(msg)
        return self

    @property
    def summary(self) -> str:
        """One line for a log or an error: the count and time, or the first failure and the names of the others."""
        failed = [case for case in self.cases if case.status == "failed"]
        skipped = sum(case.status == "skipped" for case in self.cases)
        total = len(self.cases)
        if failed:
            others = f"; also {', '.join(case.id for case in failed[1:])}" if len(failed) > 1 else ""
            first = f"{failed[0].id}: {shorten(failed[0].detail, _SUMMARY_LIMIT)}"
            return f"verification failed: {first}{others} ({len(failed)} of {total} cases failed)"
        if not self.passed:
            return f"verification failed: none of {total} cases could run"
        retried = sum(case.attempts > 1 for case in self.cases)
        late = sum(case.late_connections for case in self.cases)
        notes = ((skipped, "skipped"), (retried, "asked again"), (late, "connections tried again"))
        aside = "".join(f", {count} {what}" for count, what in notes if count)
        return f"verification passed: {total - skipped} of {total} cases in {self.duration_s:.1f} s{aside}"


def is_passed(cases: tuple[CaseResult, ...]) -> bool:
    """Whether no case failed and at least one passed."""
    statuses = {case.status for case in cases}
    return "failed" not in statuses and "passed" in statuses
