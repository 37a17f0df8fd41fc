"""Adding up the rounds of a soak: one result a case, however many rounds there were, so that memory stays flat."""

from dataclasses import dataclass

from qwen_infra.verification.result import CaseResult

__all__ = ["SoakTally"]


@dataclass(slots=True)
class _Tally:
    runs: int
    flakes: int
    skips: int
    attempts: int
    late_connections: int
    duration_s: float
    shown: CaseResult
    """The last failure, or else the last result."""


class SoakTally:
    """Counts runs and flakes of each case; a case that failed in any round has failed."""

    def __init__(self) -> None:
        self._tallies: dict[str, _Tally] = {}

    def add(self, results: tuple[CaseResult, ...]) -> None:
        """Count one round."""
        for result in results:
            tally = self._tallies.setdefault(result.id, _Tally(0, 0, 0, 0, 0, 0.0, result))
            tally.runs += 1
            tally.flakes += result.status == "failed"
            tally.skips += result.status == "skipped"
            tally.attempts = max(tally.attempts, result.attempts)
            tally.late_connections += result.late_connections
            tally.duration_s += result.duration_s
            if result.status == "failed" or tally.shown.status != "failed":
                tally.shown = result

    def results(self) -> tuple[CaseResult, ...]:
        """One result a case; its duration is the mean of its runs."""
        return tuple(_sum_up(tally) for tally in self._tallies.values())


def _sum_up(tally: _Tally) -> CaseResult:
    status = "failed" if tally.flakes else "skipped" if tally.skips == tally.runs else "passed"
    detail = tally.shown.detail
    if tally.flakes:
        detail = f"{tally.flakes} of {tally.runs} runs failed, the last so: {detail}"
    elif status == "passed":
        detail = f"{tally.runs} runs: {detail}"
    return tally.shown.model_copy(
        update={
            "status": status,
            "detail": detail,
            "runs": tally.runs,
            "flakes": tally.flakes,
            "attempts": tally.attempts,
            "late_connections": tally.late_connections,
            "duration_s": round(tally.duration_s / tally.runs, 3),
        }
    )
