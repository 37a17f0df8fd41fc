"""The key ``operations``: what protects a running deployment, and what it costs."""

from pydantic import Field

from qwen_infra.settings.base import Settings

__all__ = ["OperationsSettings"]


class OperationsSettings(Settings):
    """How a team lives with the stack; the environment's profile sets most of it."""

    protect: bool = Field(False, description="Refuse to delete or replace what the stack made.")
    require_pinned: bool = Field(False, description="Refuse a revision that is no commit, and an image without digest.")
    require_verification: bool = Field(False, description="Refuse to switch the verification off.")
    price_per_gpu_hour: float | None = Field(None, ge=0, description="What one GPU costs an hour, for pull requests.")
    currency: str = Field("USD", pattern=r"^[A-Z]{3}$", description="Currency of the price (ISO 4217).")
