"""All rules over all objects of a stack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from qwen_infra.errors import ConfigurationError
from qwen_infra.policy.reading import drop_nulls
from qwen_infra.policy.registry import RULES, find_rule
from qwen_infra.policy.rule import Context, Level, Manifest

__all__ = ["Finding", "PolicyOptions", "evaluate"]


@dataclass(frozen=True)
class PolicyOptions:
    """What a stack says of its rules; ``exceptions`` map a rule to the reason why it does not hold here."""

    environment: str | None = None
    exceptions: Mapping[str, str] = field(default_factory=dict)
    allowed_licences: tuple[str, ...] = ("Apache-2.0", "MIT")


@dataclass(frozen=True)
class Finding:
    """A broken rule."""

    rule: str
    level: Level
    place: str
    what: str
    mend: str

    def __str__(self) -> str:
        return f"policy {self.rule} ({self.level}): {self.place}: {self.what}. To mend it: {self.mend}"


def evaluate(objects: Sequence[Manifest], options: PolicyOptions) -> tuple[Finding, ...]:
    """Every broken rule, in the order of the rules and then of the objects.

    Raises:
        ConfigurationError: an exception names no rule, or no reason.
    """
    _check_exceptions(options.exceptions)
    manifests = [drop_nulls(item) for item in objects]
    context = Context(objects=manifests, allowed_licences=options.allowed_licences)
    return tuple(
        Finding(rule.name, rule.level(options.environment), found.place, found.what, found.mend)
        for rule in RULES
        if rule.name not in options.exceptions
        for item in manifests
        for found in rule.check(item, context)
    )


def _check_exceptions(exceptions: Mapping[str, str]) -> None:
    where = "qwen-infra:policy.exceptions"
    for name, reason in exceptions.items():
        find_rule(name, where)
        if not reason.strip():
            raise ConfigurationError(
                "an exception needs its reason", where=f"{where}.{name}", found=repr(reason), expected="a sentence"
            )
