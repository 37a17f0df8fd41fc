"""The key ``verification``."""

from typing import Any, Literal

from pydantic import Field, model_validator

from qwen_infra.settings.base import Settings, read_level_alone

__all__ = ["VerificationSettings"]


class VerificationSettings(Settings):
    """Which verification runs after every change of the server."""

    level: Literal["off", "smoke", "full", "soak"] = Field(
        "full", description="off; smoke: the reference's requests; full: every case; soak: every case, repeated."
    )
    include: tuple[str, ...] = Field((), description="Only these cases; ids or patterns such as tools-*.")
    exclude: tuple[str, ...] = Field((), description="None of these cases; ids or patterns such as tools-*.")
    soak_minutes: int = Field(10, ge=1, le=600, description="How long the level soak repeats the cases.")

    @model_validator(mode="before")
    @classmethod
    def _read_level_alone(cls, values: Any) -> Any:
        return read_level_alone(values, "level")
