"""What a verification case is: an id, what it proves, a deadline, and a function that asks and asserts.

A case that finds something wrong raises ``CheckFailedError`` with what it expected and found; the runner turns that,
and any ``EndpointError``, into a failed result. No request and no list of cases here (see ``cases`` and ``registry``).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from qwen_infra.client import Endpoint, InferenceClient
from qwen_infra.errors import CheckFailedError
from qwen_infra.verification.facts import NOTHING_KNOWN, DeployedServer

__all__ = ["LEVELS", "Case", "CaseContext", "CaseSkippedError", "Level", "Outcome", "WrongContentError"]

Level = Literal["smoke", "full", "soak"]

LEVELS: tuple[Level, ...] = ("smoke", "full", "soak")
"""smoke: the reference's requests; full: every case; soak: every case, again and again."""


class CaseSkippedError(Exception):
    """The case does not apply here; its text is the reason."""


class WrongContentError(CheckFailedError):
    """The protocol was kept, the model said something else; since it samples, a case may ask again."""


@dataclass(slots=True)
class CaseContext:
    """What a case works with.

    Args:
        client: asks the endpoint under test, under the case's deadline.
        endpoint: the same endpoint, for cases that need another client (another key, say).
        deadline_s: the case's deadline as it applies here.
        thinking_by_default: whether the model thinks when a request does not say (not so for Qwen3.5-0.8B and 2B).
        temperature: sent with every generation request instead of the case's own; None changes nothing.
        from_outside: whether the endpoint is the public one, behind whatever filters the paths.
        through_tunnel: whether a port-forward stands between, which does not hand on that a client has left.
        deployed: what the plan expects of this server and what the cluster says about it.
        request_id: set by the case as soon as it knows it, so that a failure names it too.
    """

    client: InferenceClient
    endpoint: Endpoint
    deadline_s: float = 60.0
    thinking_by_default: bool = True
    temperature: float | None = None
    from_outside: bool = False
    through_tunnel: bool = False
    deployed: DeployedServer = NOTHING_KNOWN
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a passed case saw, for the table and the report.

    Args:
        detail: a few words.
        expected: what was asserted.
        actual: what came, shortened.
    """

    detail: str
    expected: str | None = None
    actual: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that a right deployment does.

    Args:
        id: stable; reports, histories and stack files refer to it.
        family: what it belongs to, for tables and the documentation.
        proves: what is known once it passed.
        asks: the request, in a few words.
        expects: what is asserted, in a few words, beside what must hold for every answer (``answer.check_answer``).
        guards_against: the known problem that it would catch.
        deadline_s: for all of it, in seconds.
        run: asks and asserts.
        level: ``smoke`` when the quickest level holds it too.
        disturbs_others: it must run alone (it loads, cuts or counts).
        is_gate: it runs first, and where it meets no model server at all, nothing else is asked.
        attempts: how often it asks when the model's words are wrong; broken protocol is never asked again.
    """

    id: str
    family: str
    proves: str
    asks: str
    expects: str
    guards_against: str
    deadline_s: float
    run: Callable[[CaseContext], Awaitable[Outcome]] = field(repr=False)
    level: Level = "full"
    disturbs_others: bool = False
    is_gate: bool = False
    attempts: int = 1

    def belongs_to(self, level: Level) -> bool:
        """Whether ``level`` runs it."""
        return LEVELS.index(self.level) <= LEVELS.index(level)
