"""The key ``verification``."""

from typing import Literal

from pydantic import Field

from qwen_infra.settings.base import Settings

__all__ = ["VerificationSettings"]


class VerificationSettings(Settings):
    """Which verification runs after every change of the server."""

    level: Literal["off", "smoke", "full", "soak"] = Field(
        "full", description="off; smoke: the reference's requests; full: every case; soak: every case, repeated."
    )
    include: tuple[str, ...] = Field((), description="Only these cases; ids or patterns such as tools-*.")
    exclude: tuple[str, ...] = Field((), description="None of these cases; ids or patterns such as tools-*.")
    soak_minutes: int = Field(10, ge=1, le=600, description="How long the level soak repeats the cases.")
