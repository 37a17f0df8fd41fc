"""How a check ended: small, JSON-safe and free of secrets, since it is kept in the stack's state."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["CheckOutcome", "Report"]

Report = Callable[[str], None]
"""Shows a short line of progress; the next one replaces it."""


@dataclass(frozen=True)
class CheckOutcome:
    """The verdict, the line that a person reads, what the result was made with, and the figures worth keeping."""

    passed: bool
    summary: str
    made_with: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
