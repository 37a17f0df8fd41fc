"""``pulumi preview --json`` as types: what the engine said, nothing judged.

Source of the form: pulumi 3.259, ``pkg/display/json.go`` (``PreviewDigest``, ``PreviewStep``) and
``sdk/go/common/apitype/core.go`` (``ResourceV3``). Unchanged resources other than the stack are not among the steps.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from qwen_infra.errors import ConfigurationError

__all__ = ["Diagnostic", "Preview", "State", "Step", "read_preview"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, validate_by_name=True, validate_by_alias=True)


class State(_Part):
    """A resource as it is, or as it would be."""

    type: str = ""
    inputs: dict[str, Any] = Field(default_factory=dict)
    outputs: dict[str, Any] = Field(default_factory=dict)


class Step(_Part):
    """What would happen to one resource: ``create``, ``update``, ``replace``, ``delete`` or ``same``."""

    op: str
    urn: str
    old_state: State | None = None
    new_state: State | None = None

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]

    @property
    def type(self) -> str:
        """``kubernetes:apps/v1:Deployment`` and the like, without the types of its parents."""
        return self.urn.split("::")[-2].rpartition("$")[2] if self.urn.count("::") >= 2 else ""

    @property
    def old(self) -> dict[str, Any]:
        return self.old_state.inputs if self.old_state else {}

    @property
    def new(self) -> dict[str, Any]:
        return self.new_state.inputs if self.new_state else {}


class Diagnostic(_Part):
    """A line that the program, a provider or a policy said."""

    message: str
    severity: str = "info"


class Preview(_Part):
    """A whole preview; ``steps`` in the engine's order."""

    steps: tuple[Step, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    change_summary: dict[str, int] = Field(default_factory=dict)

    @property
    def stack(self) -> str:
        """Name of the stack, from the first URN (``urn:pulumi:STACK::PROJECT::…``); empty without a step."""
        return self.steps[0].urn.split("::")[0].rpartition(":")[2] if self.steps else ""

    @property
    def outputs(self) -> dict[str, Any]:
        """The stack's outputs of the last deployment."""
        stack = next((step for step in self.steps if step.type == "pulumi:pulumi:Stack"), None)
        return stack.old_state.outputs if stack and stack.old_state else {}


def read_preview(path: Path) -> Preview:
    """The preview in a file.

    Raises:
        ConfigurationError: no such file, or it is not what ``pulumi preview --json`` prints.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = ((error.strerror if isinstance(error, OSError) else None) or str(error)).lower()
        raise ConfigurationError(
            f"the preview cannot be read: {reason}",
            where="--preview",
            found=path,
            mend="pulumi preview --json --stack NAME > preview.json writes one",
        ) from None
    start = text.find("{")
    try:
        return Preview.model_validate(json.loads(text[start:] if start >= 0 else text))
    except (ValueError, RecursionError, ValidationError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigurationError(
            "this is not the output of pulumi preview --json",
            where="--preview",
            found=f"{path}: {reason}",
            mend=f"pulumi preview --json --non-interactive > {path}",
        ) from None
