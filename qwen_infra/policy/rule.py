"""What a rule is, and what it says when it is broken."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Context", "Level", "Manifest", "Rule", "Violation"]

Manifest = Mapping[str, Any]
Level = Literal["advisory", "mandatory"]


@dataclass(frozen=True)
class Violation:
    """One object that breaks a rule: ``place`` names it (``Deployment qwen/vllm-x``), ``mend`` the change to make."""

    place: str
    what: str
    mend: str


@dataclass(frozen=True)
class Context:
    """What a rule may know beside the object: all objects of the stack, and the allowed licences."""

    objects: Sequence[Manifest] = ()
    allowed_licences: tuple[str, ...] = ("Apache-2.0", "MIT")


@dataclass(frozen=True)
class Rule:
    """One rule.

    Args:
        name: as in ``policy.exceptions`` and in every message.
        says: what must hold, one sentence.
        check: yields the violations of one object.
        strict_in: environments in which it is mandatory; everywhere when empty.
        needs_stack: whether it looks at other objects than the one.
    """

    name: str
    says: str
    check: Callable[[Manifest, Context], Iterator[Violation]]
    strict_in: frozenset[str] = field(default_factory=frozenset)
    needs_stack: bool = False

    def level(self, environment: str | None) -> Level:
        """How a violation counts in an environment."""
        return "mandatory" if not self.strict_in or environment in self.strict_in else "advisory"
