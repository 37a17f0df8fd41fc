"""The key ``model``."""

from typing import Literal

from pydantic import Field

from qwen_infra.settings.base import Settings

__all__ = ["ModelSettings"]

Precision = Literal["bf16", "fp8", "gptq-int4", "nvfp4"]


class ModelSettings(Settings):
    """Which checkpoint of which model."""

    name: str = Field(description="Model of the catalogue, such as Qwen3.5-397B-A17B.")
    precision: Precision = Field(description="Checkpoint of that model: bf16, fp8, gptq-int4 or nvfp4.")
    revision: str = Field("main", min_length=1, description="Commit, tag or branch of the repository on the Hub.")
