"""The objects in the cluster against Pulumi's state, and what the state keeps of the checks: Pulumi's command asked."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qwen_infra.doctor.programs import ask
from qwen_infra.drift.difference import Difference
from qwen_infra.errors import EnvironmentMissingError

__all__ = ["CheckResult", "compare_spec", "list_changes", "list_check_results", "read_check_results"]

TIMEOUT_S = 600.0
_CHANGING = frozenset({"update", "delete", "replace", "create", "create-replacement", "delete-replaced"})


@dataclass(frozen=True)
class CheckResult:
    """A check in the state: its resource's name, ``verification`` or ``benchmark``, and the name of its result."""

    name: str
    kind: str
    result: str


def compare_spec(stack: str, folder: Path) -> list[Difference]:
    """The objects that a refresh would change in the state; nothing is changed, and no lock is taken.

    Raises:
        EnvironmentMissingError: Pulumi, its state or the cluster cannot be asked.
    """
    command = ("refresh", "--preview-only", "--json")
    return list(list_changes(_ask(stack, folder, *command), stack))


def read_check_results(stack: str, folder: Path) -> list[CheckResult]:
    """The last result of every check of the stack.

    Raises:
        EnvironmentMissingError: Pulumi or its state cannot be asked.
    """
    return list(list_check_results(_ask(stack, folder, "stack", "export")))


def list_changes(refresh: Mapping[str, Any], stack: str) -> Iterator[Difference]:
    """From the document of ``pulumi refresh --preview-only --json`` (``PreviewDigest``, pulumi 3.259)."""
    for step in refresh.get("steps", ()):
        if step["op"] not in _CHANGING:
            continue
        place, mend = _place(step), f"pulumi refresh --stack {stack}, then pulumi up --stack {stack}"
        if step["op"] == "delete":
            yield Difference("spec", place, "the object is gone", "it is there", "deleted", mend)
            continue
        paths = list(step.get("detailedDiff") or ())
        if not paths:
            yield Difference("spec", place, "the object was changed", mend=mend)
        for path in paths:
            before, after = (_value(step, state, path) for state in ("oldState", "newState"))
            yield Difference("spec", place, f"{path} was changed", before, after, mend)


def list_check_results(export: Mapping[str, Any]) -> Iterator[CheckResult]:
    """From the document of ``pulumi stack export``; a check that never ran has no result."""
    for resource in (export.get("deployment") or {}).get("resources") or ():
        details = resource.get("outputs", {}).get("details")
        result = details.get("result") if isinstance(details, dict) else None
        for kind in ("Verification", "Benchmark"):
            if resource["type"].endswith(f":{kind}Check") and isinstance(result, str):
                yield CheckResult(resource["urn"].rpartition("::")[2], kind.lower(), result)


def _place(step: Mapping[str, Any]) -> str:
    """``Deployment qwen/vllm-x`` where the object says so, else the resource's name."""
    inputs = (step.get("oldState") or {}).get("inputs") or {}
    metadata = inputs.get("metadata") or {}
    if "kind" not in inputs or "name" not in metadata:
        return str(step["urn"]).rpartition("::")[2]
    namespace = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
    return f"{inputs['kind']} {namespace}{metadata['name']}"


def _value(step: Mapping[str, Any], state: str, path: str) -> str | None:
    """The value at a path without list indices; None for anything else, and for whatever a Secret holds."""
    found: Any = (step.get(state) or {}).get("inputs") or {}
    if found.get("kind") == "Secret":
        return None
    for part in path.split("."):
        if not isinstance(found, dict) or part not in found:
            return None
        found = found[part]
    return json.dumps(found) if isinstance(found, dict | list) else str(found)


def _ask(stack: str, folder: Path, *command: str) -> Mapping[str, Any]:
    words = ("pulumi", *command, "--stack", stack, "--non-interactive")
    # a variable that CI likes to set, which stands for --yes; Pulumi takes that beside --preview-only for a mistake
    unconfirmed = {"PULUMI_SKIP_CONFIRMATIONS": "false"}
    answer = ask(*words, environment=unconfirmed, folder=folder, timeout_s=TIMEOUT_S)
    document: Any = None
    if answer.code == 0:
        try:
            document = json.loads(answer.output)
        except ValueError:
            document = None
    if not isinstance(document, dict):
        raise EnvironmentMissingError(
            "the state cannot be compared with the cluster",
            where=" ".join(words),
            found=answer.complaint or f"exit code {answer.code}",
            mend=f"qwen-infra doctor --stack {stack}, or look at pods and servers only with --behaviour-only",
        )
    return document
