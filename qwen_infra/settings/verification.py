"""The key ``verification``."""

from typing import Literal

from pydantic import Field

from qwen_infra.settings.base import Settings

__all__ = ["VerificationSettings"]


class VerificationSettings(Settings):
    """Which verification runs after every change of the server."""

    level: Literal["off", "smoke"] = Field("smoke", description="off, or smoke: the reference's requests.")
