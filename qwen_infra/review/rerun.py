"""Why a check will run again: what its triggers were, what they would be, and whether its last run failed."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qwen_infra.review.preview import Step

__all__ = ["CheckRun", "describe_run", "is_check"]

_CHECK = re.compile(r"pulumi-python:dynamic/qwen:(\w+)")
_TITLES = {
    "WeightsReadiness": "weights",
    "ServerReadiness": "readiness",
    "VerificationCheck": "verification",
    "BenchmarkCheck": "benchmark",
}
_JOB_CHANGES = {(False, False): "changes", (True, False): "is new", (False, True): "goes"}
_VERBS = {"create": "first run", "delete": "is switched off"}


@dataclass(frozen=True)
class CheckRun:
    """One check: of which server, and the reasons, one sentence each."""

    check: str
    name: str
    reasons: tuple[str, ...]


def is_check(step: Step) -> bool:
    """Whether a step is about one of the checks."""
    match = _CHECK.fullmatch(step.type)
    return match is not None and match[1] in _TITLES


def describe_run(step: Step) -> CheckRun:
    """The reasons for which a check is among the changes of a preview."""
    title = _TITLES[step.type.rpartition(":")[2]]
    reasons = [_VERBS[step.op]] if step.op in _VERBS else list(_compare(step))
    return CheckRun(title, step.name, tuple(reasons))


def _compare(step: Step) -> list[str]:
    outputs = step.old_state.outputs if step.old_state else {}
    found = [] if outputs.get("passed", True) else [f"its last run failed: {outputs.get('summary', 'no summary')}"]
    old, new = _triggers(outputs) or _triggers(step.old), _triggers(step.new)
    changed = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    if set(changed) - {"manifest", "weights"}:
        changed = [key for key in changed if key != "manifest"]  # the others say what of it changes
    for key in changed:
        before, after = old.get(key), new.get(key)
        if step.type.endswith(":WeightsReadiness"):  # whose keys are names of Jobs
            found.append(f"the download {key} {_JOB_CHANGES[before is None, after is None]}")
        else:
            found += _tell(key, before, after)
    return found or ["the engine asks for it"]


def _triggers(values: Mapping[str, Any]) -> Mapping[str, Any]:
    found = values.get("triggers")
    return found if isinstance(found, Mapping) else {}


def _tell(key: str, before: Any, after: Any) -> list[str]:
    if key == "arguments" and isinstance(before, str) and isinstance(after, str):
        return _compare_arguments(before, after)
    if key == "manifest":
        return ["the pod's manifest changes"]
    return [f"{key}: {_show(before)} → {_show(after)}"]


def _show(value: Any) -> str:
    return "nothing" if value is None else str(value)


def _compare_arguments(before: str, after: str) -> list[str]:
    old, new = _flags(before), _flags(after)
    changed = [flag for flag in dict.fromkeys((*old, *new)) if old.get(flag) != new.get(flag)]
    return [_tell_flag(flag, old.get(flag), new.get(flag)) for flag in changed] or [
        "the order of the arguments changes"
    ]


def _tell_flag(flag: str, before: str | None, after: str | None) -> str:
    if before is None:
        return f"argument {flag} {after or ''} is new".replace("  ", " ")
    if after is None:
        return f"argument {flag} {before} goes".replace("  ", " ")
    return f"argument {flag}: {before} → {after}"


def _flags(command: str) -> dict[str, str]:
    """A command line as flag to value; words before the first flag count as one value of the program."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    found: dict[str, str] = {}
    flag = "program"
    for word in words:
        if word.startswith("--"):
            flag, _, value = word.partition("=")
            found[flag] = value
        else:
            found[flag] = f"{found.get(flag, '')} {word}".strip()
    return found
