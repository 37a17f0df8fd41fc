"""What a verification case is: an id, what it proves, a deadline, and a function that asks and asserts.

A case that finds something wrong raises ``CheckFailedError`` with what it expected and found; the runner turns that,
and any ``EndpointError``, into a failed result. No request and no list of cases here (see ``cases`` and ``registry``).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from qwen_infra.client import Endpoint, InferenceClient

__all__ = ["LEVELS", "Case", "CaseContext", "CaseSkippedError", "Level", "Outcome"]

Level = Literal["smoke", "full", "soak"]

LEVELS: tuple[Level, ...] = ("smoke", "full", "soak")
"""Each level holds the cases of those before it."""


class CaseSkippedError(Exception):
    """The case does not apply here; its text is the reason."""


@dataclass(slots=True)
class CaseContext:
    """What a case works with.

    Args:
        client: asks the endpoint under test, under the case's deadline.
        endpoint: the same endpoint, for cases that need another client (another key, say).
        thinking_by_default: whether the model thinks when a request does not say (not so for Qwen3.5-0.8B and 2B).
        request_id: set by the case as soon as it knows it, so that a failure names it too.
    """

    client: InferenceClient
    endpoint: Endpoint
    thinking_by_default: bool = True
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
        id: stable; SLOs, reports and histories refer to it.
        proves: what is known once it passed.
        guards_against: the known problem that it would catch.
        deadline_s: for all of it, in seconds.
        run: asks and asserts.
        level: the quickest level that holds it.
        disturbs_others: it must run alone (it loads, cuts or counts).
    """

    id: str
    proves: str
    guards_against: str
    deadline_s: float
    run: Callable[[CaseContext], Awaitable[Outcome]] = field(repr=False)
    level: Level = "smoke"
    disturbs_others: bool = False

    def belongs_to(self, level: Level) -> bool:
        """Whether ``level`` runs it."""
        return LEVELS.index(self.level) <= LEVELS.index(level)
