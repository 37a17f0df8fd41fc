"""The key ``policy``: how strictly the rules of ``qwen_infra.policy`` are taken."""

from typing import Literal

from pydantic import Field

from qwen_infra.settings.base import Settings

__all__ = ["PolicySettings"]


class PolicySettings(Settings):
    """Strictness, and the exceptions that somebody decided."""

    level: Literal["off", "advisory", "mandatory"] = Field(
        "advisory",
        description="off; advisory: violations are told; mandatory: they stop a preview.",
    )
    exceptions: dict[str, str] = Field(
        default_factory=dict, description="Rule to the reason why this stack is excepted from it."
    )
    allowed_licences: tuple[str, ...] = Field(
        ("Apache-2.0", "MIT"), description="Licences of models that may be served, as the Hub writes them."
    )
