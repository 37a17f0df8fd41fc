"""Runs the suite against an endpoint: every case under its deadline, together where they do not disturb one another.

Every failure is collected; nothing raises for a wrong answer or an unreachable server. What a case asks and asserts is
its own business.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
from qwen_infra.verification.case import (
    LEVELS,
    Case,
    CaseContext,
    CaseSkippedError,
    Level,
    Outcome,
    WrongContentError,
)
from qwen_infra.verification.facts import NOTHING_KNOWN, DeployedServer
from qwen_infra.verification.registry import select_cases
from qwen_infra.verification.result import CaseResult, CaseStatus, VerificationReport, is_passed
from qwen_infra.verification.soak import SoakTally
from qwen_infra.versions import SUITE_VERSION

__all__ = ["SuiteOptions", "run_suite"]

_GRACE_S = 2.0  # beyond a case's deadline, which its client applies to each request by itself
_PROVENANCE_DEADLINE_S = 30.0
_TOLD_OF_KEY = 6
"""Characters of a key that a cut quotation may show: no more than its prefix, such as ``sk-``, and chance."""
_MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""Largest answer that a case reads; the longest right one, 4096 tokens with log probabilities, has a tenth of it."""


@dataclass(frozen=True)
class SuiteOptions:
    """How the suite is run.

    Args:
        thinking_by_default: whether the model thinks when a request does not say so.
        include: ids or patterns; when given, only these.
        exclude: ids or patterns.
        concurrency: cases at once.
        give_up_after: cases without an answer in time after which no more are asked, so that a server that hangs ends
            a run within minutes.
        patience: factor on every deadline, for a slow server.
        temperature: sent with every generation request; None leaves it to the cases and the server.
        from_outside: the endpoint is the public one, behind the gateway or network policy.
        through_tunnel: a port-forward stands between, which does not hand on that a client has left.
        deployed: what the plan expects and the cluster says.
        soak_s: how long the level ``soak`` repeats the cases, in seconds.
    """

    thinking_by_default: bool = True
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    concurrency: int = 16
    give_up_after: int = 8
    patience: float = 1.0
    temperature: float | None = None
    from_outside: bool = False
    through_tunnel: bool = False
    deployed: DeployedServer = NOTHING_KNOWN
    soak_s: float = 600.0


async def run_suite(
    endpoint: Endpoint,
    *,
    level: Level = "full",
    cluster: ClusterFacts | None = None,
    options: SuiteOptions | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> VerificationReport:
    """Run the cases of ``level``.

    Args:
        endpoint: the server under test.
        level: ``smoke``, ``full`` or ``soak``.
        cluster: what the caller knows about the nodes, for the provenance.
        options: how it is run.
        progress: called with a short line as each case ends.

    Returns:
        The report, whatever came; ``report.passed`` says whether it is good.

    Raises:
        ConfigurationError: there is no such level or case.
    """
    if level not in LEVELS:
        raise ConfigurationError("there is no such level of verification", found=level, expected=", ".join(LEVELS))
    options = options or SuiteOptions()
    cases = select_cases(level, include=options.include, exclude=options.exclude)
    started_at, started = datetime.now(UTC), time.perf_counter()
    provenance_task = asyncio.create_task(_find_provenance(endpoint, cluster or ClusterFacts(), options.patience))
    round_ = _Round(cases, endpoint, options, progress)
    results = await (_soak(round_, options.soak_s) if level == "soak" else round_.run())
    provenance = await provenance_task
    return VerificationReport(
        passed=is_passed(results),
        simulated=provenance.simulated,
        suite_version=SUITE_VERSION,
        level=level,
        model=endpoint.model,
        url=endpoint.url,
        started_at=started_at,
        duration_s=round(time.perf_counter() - started, 3),
        provenance=provenance,
        cases=results,
    )


async def _soak(round_: "_Round", soak_s: float) -> tuple[CaseResult, ...]:
    """Rounds until the time is over; at least one."""
    until = time.perf_counter() + soak_s
    tally = SoakTally()
    while True:
        tally.add(await round_.run())
        if time.perf_counter() >= until:
            return tally.results()


async def _find_provenance(endpoint: Endpoint, cluster: ClusterFacts, patience: float) -> Provenance:
    deadlines = Deadlines.for_whole_answer(_PROVENANCE_DEADLINE_S * patience)
    async with InferenceClient(endpoint, deadlines=deadlines) as client:
        return await fetch_provenance(client, cluster=cluster)


class _Round:
    """One run of the cases: those that disturb others after all the others, alone."""

    def __init__(
        self, cases: Sequence[Case], endpoint: Endpoint, options: SuiteOptions, progress: Callable[[str], None]
    ) -> None:
        self._cases = cases
        self._endpoint = endpoint
        self._options = options
        self._progress = progress

    async def run(self) -> tuple[CaseResult, ...]:
        """The results in the order of the cases."""
        narrator = _Narrator(total=len(self._cases), progress=self._progress)
        turns = asyncio.Semaphore(self._options.concurrency)
        results: dict[Case, CaseResult] = {}
        closed: str | None = None
        timeouts = 0

        async def run(case: Case) -> None:
            nonlocal closed, timeouts
            async with turns:
                attempted = _skip(case, closed) if closed else await _run_case(case, self._endpoint, self._options)
            results[case] = attempted.result
            timeouts += attempted.failure == "timeout"
            if case.is_gate and attempted.failure not in {None, "wrong", "http_status"}:
                closed = f"not asked, since {case.id} found no model server"
            elif timeouts >= self._options.give_up_after:
                closed = f"not asked, since {timeouts} cases had no answer in time"
            narrator.tell(attempted.result)

        for case in self._cases:
            if case.is_gate:
                await run(case)
        await asyncio.gather(*(run(case) for case in self._cases if not (case.is_gate or case.disturbs_others)))
        for case in self._cases:
            if case.disturbs_others:
                await run(case)
        return tuple(results[case] for case in self._cases)


@dataclass(frozen=True, slots=True)
class _Attempted:
    """A case's result, and why it failed: ``wrong``, or the kind of the endpoint's error."""

    result: CaseResult
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What became of one attempt; ``may_sample``: another one may end otherwise."""

    status: CaseStatus
    outcome: Outcome
    failure: str | None = None
    may_sample: bool = False


def _skip(case: Case, reason: str) -> _Attempted:
    return _Attempted(
        CaseResult(id=case.id, status="skipped", duration_s=0.0, detail=reason, proves=case.proves, family=case.family)
    )


async def _run_case(case: Case, endpoint: Endpoint, options: SuiteOptions) -> _Attempted:
    started = time.perf_counter()
    deadline_s = case.deadline_s * options.patience
    limits = Deadlines.for_whole_answer(deadline_s)
    async with InferenceClient(endpoint, deadlines=limits, max_body_bytes=_MAX_ANSWER_BYTES) as client:
        attempt, may_sample = 0, True
        while may_sample and attempt < case.attempts:
            attempt += 1
            context = CaseContext(
                client=client,
                endpoint=endpoint,
                deadline_s=deadline_s,
                thinking_by_default=options.thinking_by_default,
                temperature=options.temperature,
                from_outside=options.from_outside,
                through_tunnel=options.through_tunnel,
                deployed=options.deployed,
            )
            verdict = await _judge(case, context)
            may_sample = verdict.may_sample
    again = f" (asked {attempt} times)" if attempt > 1 else ""
    request_id = context.request_id
    result = CaseResult(
        id=case.id,
        status=verdict.status,
        duration_s=round(time.perf_counter() - started, 3),
        detail=shorten(_redact(verdict.outcome.detail + again, endpoint)),
        proves=case.proves,
        family=case.family,
        attempts=attempt,
        flakes=int(verdict.status == "failed"),
        expected=_clean(verdict.outcome.expected, endpoint),
        actual=_clean(verdict.outcome.actual, endpoint),
        late_connections=client.late_connections.count,
        request_id=None if request_id is None else shorten(_redact(str(request_id), endpoint), 100),
    )
    return _Attempted(result, verdict.failure)


async def _judge(case: Case, context: CaseContext) -> _Verdict:
    try:
        async with asyncio.timeout(context.deadline_s + _GRACE_S):
            return _Verdict("passed", await case.run(context))
    except CaseSkippedError as reason:
        return _Verdict("skipped", Outcome(detail=str(reason)))
    except CheckFailedError as error:
        outcome = Outcome(detail=error.what, expected=_as_text(error.expected), actual=_as_text(error.found))
        return _Verdict("failed", outcome, "wrong", may_sample=isinstance(error, WrongContentError))
    except EndpointError as error:
        outcome = Outcome(detail=error.what, expected="an answer", actual=_as_text(error.found))
        return _Verdict("failed", outcome, error.kind)
    except TimeoutError:
        outcome = Outcome(detail=f"not done within {context.deadline_s:g} s", expected="an answer in time")
        return _Verdict("failed", outcome, "timeout")
    except Exception as error:  # noqa: BLE001 - what a server sends must never end the run of all other cases
        what = f"what came could not be judged: {type(error).__name__}: {error}"
        return _Verdict("failed", Outcome(detail=what, expected="an answer of the protocol"), "wrong")


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
    """``text`` without the key, and without the beginning of one that a quotation was cut in."""
    key = endpoint.api_key
    if not key:
        return text
    for length in range(len(key), _TOLD_OF_KEY, -1):
        text = text.replace(key if length == len(key) else f"{key[:length]}...", "[key]")
    return text
