"""Everything that a reviewer is told of one stack, as data; ``markdown.py`` writes it down."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qwen_infra.review.downtime import Downtime, estimate_downtimes
from qwen_infra.review.manifest_diff import ObjectChange, describe_change, is_kubernetes
from qwen_infra.review.preview import Preview
from qwen_infra.review.redaction import redact_preview
from qwen_infra.review.rerun import CheckRun, describe_run, is_check
from qwen_infra.review.server_change import ServerChange, describe_cost, describe_gpus, describe_server, is_server

__all__ = ["Proof", "Review", "review_preview"]

POLICY = "policy "
"""How the program begins a line about a rule (``qwen_infra.program``)."""


@dataclass(frozen=True)
class Proof:
    """What the last deployment proved of a server, and the figures of its benchmark."""

    server: str
    verification: str
    benchmark: str
    made_with: str
    figures: Mapping[str, Any]

    @property
    def baseline(self) -> Mapping[str, Any]:
        """The figures of the run that this one was compared with; empty where none was set."""
        found = self.figures.get("baseline")
        return found if isinstance(found, Mapping) else {}


@dataclass(frozen=True)
class Review:
    """One stack's preview, read for a person; without secrets."""

    stack: str
    objects: tuple[ObjectChange, ...]
    servers: tuple[ServerChange, ...]
    downtimes: tuple[Downtime, ...]
    checks: tuple[CheckRun, ...]
    cost: tuple[str, str] | None
    gpus: tuple[str, str]
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    policies: tuple[str, ...]
    proofs: tuple[Proof, ...]
    others: int
    """Changed resources that are neither objects nor checks nor servers: components and providers."""

    @property
    def changes(self) -> bool:
        return bool(self.objects or self.checks or self.servers or self.others)


def review_preview(preview: Preview, *, stack: str | None = None) -> Review:
    """Read a preview; ``stack`` names it where the preview itself has no step to tell."""
    preview = redact_preview(preview)
    unsorted = (step for step in preview.steps if step.op not in {"same", "read", "refresh"})
    changed = sorted(unsorted, key=lambda step: step.urn)  # the engine's own order differs from run to run
    objects = [change for step in changed if is_kubernetes(step) and (change := describe_change(step))]
    said = {level: _said(preview, level) for level in ("error", "warning")}
    return Review(
        stack=preview.stack or stack or "unnamed",
        objects=tuple(sorted(objects, key=lambda change: (change.kind, change.name, change.verb))),
        servers=tuple(describe_server(step) for step in changed if is_server(step)),
        downtimes=estimate_downtimes(changed),
        checks=tuple(describe_run(step) for step in changed if is_check(step)),
        cost=describe_cost(preview),
        gpus=describe_gpus(preview),
        errors=tuple(line for line in said["error"] if not line.startswith(POLICY)),
        warnings=tuple(line for line in said["warning"] if not line.startswith(POLICY)),
        policies=tuple(line for lines in said.values() for line in lines if line.startswith(POLICY)),
        proofs=_proofs(preview),
        others=sum(not (is_kubernetes(step) or is_server(step) or is_check(step)) for step in changed),
    )


def _said(preview: Preview, severity: str) -> tuple[str, ...]:
    lines = (
        " ".join(item.message.split()).removeprefix("error: ").removeprefix("warning: ")
        for item in preview.diagnostics
        if item.severity == severity
    )
    return tuple(dict.fromkeys(line for line in lines if line))


def _proofs(preview: Preview) -> tuple[Proof, ...]:
    found = preview.outputs.get("deployments")
    deployed = found if isinstance(found, Mapping) else {}
    return tuple(
        Proof(
            server=str(name),
            verification=str(values.get("verification", "unknown")),
            benchmark=str(values.get("benchmark", "unknown")),
            made_with=str(values.get("madeWith", "unknown")),
            figures=values["figures"] if isinstance(values.get("figures"), Mapping) else {},
        )
        for name, values in sorted(deployed.items())
        if isinstance(values, Mapping)
    )
