"""What changes in Kubernetes' own terms: each object's manifest before and after, as a unified diff of YAML."""

import difflib
import re
from dataclasses import dataclass
from typing import Any

import yaml

from qwen_infra.review.preview import Step

__all__ = ["ObjectChange", "describe_change", "is_kubernetes"]

_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine prints for a value that is only known after the deployment (``plugin.UnknownStringValue``)."""
_VERBS = {"create": "create", "update": "change", "replace": "replace", "delete": "delete"}
_KUBERNETES = re.compile(r"kubernetes:(?!helm)[^:]+/[^:]+:[A-Za-z]+")
_CONTEXT_LINES = 3


@dataclass(frozen=True)
class ObjectChange:
    """One object: what happens to it, its name, and the lines that differ."""

    verb: str
    kind: str
    name: str
    diff: tuple[str, ...]

    @property
    def title(self) -> str:
        return f"{self.verb} {self.kind} {self.name}"


class _Dumper(yaml.SafeDumper):
    """Lists stand indented and texts of several lines as blocks, as people write manifests."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        del indentless
        super().increase_indent(flow, False)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def is_kubernetes(step: Step) -> bool:
    """Whether a step is about a Kubernetes object, and not about a provider, a component or a check."""
    return _KUBERNETES.fullmatch(step.type) is not None


def describe_change(step: Step) -> ObjectChange | None:
    """The change of a Kubernetes object; ``None`` for what stays as it is."""
    verb = _VERBS.get(step.op)
    if verb is None:
        return None
    shown = step.new or step.old
    meta = shown.get("metadata")
    meta = meta if isinstance(meta, dict) else {}
    name = "/".join(str(part) for part in (meta.get("namespace"), meta.get("name", step.name)) if part)
    before = [] if step.op == "create" else _lines(step.old)
    after = [] if step.op == "delete" else _lines(step.new)
    return ObjectChange(verb, step.type.rpartition(":")[2], name, tuple(_compare(before, after)))


def _lines(manifest: dict[str, Any]) -> list[str]:
    shown = {key: value for key, value in manifest.items() if not key.startswith("__")}
    text = yaml.dump(shown, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=1000)
    return text.replace(_UNKNOWN, "(known after the deployment)").splitlines()


def _compare(before: list[str], after: list[str]) -> list[str]:
    found = list(difflib.unified_diff(before, after, lineterm="", n=_CONTEXT_LINES))[2:]
    return [line for line in found if not line.startswith("@@")] if not before or not after else found
