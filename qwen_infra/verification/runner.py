"""Runs the suite against an endpoint: every case under its deadline, together where they do not disturb one another.

Every failure is collected; nothing raises for a wrong answer or an unreachable server. What a case asks and asserts is
its own business.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from qwen_infra.client import (
    ClusterFacts,
    Deadlines,
    Endpoint,
    EndpointError,
    InferenceClient,
    Provenance,
    fetch_provenance,
    shorten,
)
from qwen_infra.errors import CheckFailedError, ConfigurationError
from qwen_infra.verification.case import LEVELS, Case, CaseContext, CaseSkippedError, Level, Outcome
from qwen_infra.verification.registry import select_cases
from qwen_infra.verification.result import CaseResult, CaseStatus, VerificationReport, is_passed
from qwen_infra.versions import SUITE_VERSION

__all__ = ["run_suite"]

_GRACE_S = 2.0  # beyond a case's deadline, which its client applies to each request by itself
_PROVENANCE_DEADLINES = Deadlines.for_whole_answer(10.0)


async def run_suite(
    endpoint: Endpoint,
    *,
    level: Level = "smoke",
    cluster: ClusterFacts | None = None,
    thinking_by_default: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> VerificationReport:
    """Run the cases of ``level``.

    Args:
        endpoint: the server under test.
        level: ``smoke``, ``full`` or ``soak``.
        cluster: what the caller knows about the nodes, for the provenance.
        thinking_by_default: whether the model thinks when a request does not say so.
        progress: called with a short line as each case ends.

    Returns:
        The report, whatever came; ``report.passed`` says whether it is good.

    Raises:
        ConfigurationError: there is no such level.
    """
    if level not in LEVELS:
        raise ConfigurationError("there is no such level of verification", found=level, expected=", ".join(LEVELS))
    started_at, started = datetime.now(UTC), time.perf_counter()
    cases = select_cases(level)
    narrator = _Narrator(total=len(cases), progress=progress)
    provenance_task = asyncio.create_task(_find_provenance(endpoint, cluster or ClusterFacts()))

    async def run(case: Case) -> CaseResult:
        result = await _run_case(case, endpoint, thinking_by_default=thinking_by_default)
        narrator.tell(result)
        return result

    together = [case for case in cases if not case.disturbs_others]
    results = dict(zip(together, await asyncio.gather(*(run(case) for case in together)), strict=True))
    for case in cases:
        if case not in results:
            results[case] = await run(case)
    in_order = tuple(results[case] for case in cases)
    provenance = await provenance_task
    return VerificationReport(
        passed=is_passed(in_order),
        simulated=provenance.simulated,
        suite_version=SUITE_VERSION,
        level=level,
        model=endpoint.model,
        url=endpoint.url,
        started_at=started_at,
        duration_s=round(time.perf_counter() - started, 3),
        provenance=provenance,
        cases=in_order,
    )


async def _find_provenance(endpoint: Endpoint, cluster: ClusterFacts) -> Provenance:
    async with InferenceClient(endpoint, deadlines=_PROVENANCE_DEADLINES) as client:
        return await fetch_provenance(client, cluster=cluster)


async def _run_case(case: Case, endpoint: Endpoint, *, thinking_by_default: bool) -> CaseResult:
    started = time.perf_counter()
    async with InferenceClient(endpoint, deadlines=Deadlines.for_whole_answer(case.deadline_s)) as client:
        context = CaseContext(client=client, endpoint=endpoint, thinking_by_default=thinking_by_default)
        status, outcome = await _judge(case, context)
    return CaseResult(
        id=case.id,
        status=status,
        duration_s=round(time.perf_counter() - started, 3),
        detail=shorten(_redact(outcome.detail, endpoint)),
        proves=case.proves,
        expected=_clean(outcome.expected, endpoint),
        actual=_clean(outcome.actual, endpoint),
        request_id=context.request_id,
    )


async def _judge(case: Case, context: CaseContext) -> tuple[CaseStatus, Outcome]:
    try:
        async with asyncio.timeout(case.deadline_s + _GRACE_S):
            return "passed", await case.run(context)
    except CaseSkippedError as reason:
        return "skipped", Outcome(detail=str(reason))
    except CheckFailedError as error:
        return "failed", Outcome(detail=error.what, expected=_as_text(error.expected), actual=_as_text(error.found))
    except EndpointError as error:
        return "failed", Outcome(detail=error.what, expected="an answer", actual=_as_text(error.found))
    except TimeoutError:
        return "failed", Outcome(detail=f"not done within {case.deadline_s:g} s", expected="an answer in time")


class _Narrator:
    """Tells the progress: which case ended how, and how many have."""

    def __init__(self, *, total: int, progress: Callable[[str], None]) -> None:
        self._total = total
        self._ended = 0
        self._progress = progress

    def tell(self, result: CaseResult) -> None:
        self._ended += 1
        self._progress(f"{self._ended} of {self._total} cases done: {result.id} {result.status}")


def _as_text(value: object) -> str | None:
    return None if value is None else str(value)


def _clean(text: str | None, endpoint: Endpoint) -> str | None:
    return None if text is None else shorten(_redact(text, endpoint), 500)


def _redact(text: str, endpoint: Endpoint) -> str:
    return text.replace(endpoint.api_key, "[key]") if endpoint.api_key else text
