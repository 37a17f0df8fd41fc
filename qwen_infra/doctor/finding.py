"""One row of what the doctor found."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "Status", "missing", "ok", "unknown"]

Status = Literal["ok", "missing", "unknown"]
"""``unknown``: it could not be looked at, which says nothing about it."""


@dataclass(frozen=True)
class Finding:
    """What was looked at, what was found there, and the command that mends it when it is not ok."""

    what: str
    status: Status
    found: str
    mend: str | None = None


def ok(what: str, found: str) -> Finding:
    """It is there."""
    return Finding(what, "ok", found)


def missing(what: str, found: str, mend: str) -> Finding:
    """It is not there, or not good enough; ``mend`` is the command."""
    return Finding(what, "missing", found, mend)


def unknown(what: str, found: str, mend: str | None = None) -> Finding:
    """It could not be looked at; ``mend`` is how to look oneself."""
    return Finding(what, "unknown", found, mend)
