"""The key ``model``: one of the catalogue, one of the Hub, or one described here."""

from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticKnownError

from qwen_infra.catalog.custom import CustomModel
from qwen_infra.settings.base import Settings, refuse_truth_as_number

__all__ = ["ModelSettings"]

Precision = Literal["bf16", "fp8", "gptq-int4", "nvfp4"]


class ModelSettings(Settings):
    """Which checkpoint of which model: ``name`` and ``precision``, or ``hub``, or ``custom``."""

    hub: str | None = Field(
        None, pattern=r"^[\w.-]+/[\w.-]+$", description="Repository (owner/name) whose config.json describes the model."
    )
    custom: CustomModel | None = Field(None, description="A model that the catalogue does not have, described here.")
    name: str | None = Field(
        None, validate_default=True, description="Model of the catalogue, such as Qwen3.5-397B-A17B."
    )
    precision: Precision | None = Field(
        None, validate_default=True, description="Checkpoint of that model: bf16, fp8, gptq-int4 or nvfp4."
    )
    revision: str = Field("main", min_length=1, description="Commit, tag or branch of the repository on the Hub.")

    @field_validator("custom", mode="before")
    @classmethod
    def _numbers_are_numbers(cls, value: Any) -> Any:
        if isinstance(value, dict):
            for name, field in CustomModel.model_fields.items():
                refuse_truth_as_number(CustomModel, name, value.get(field.alias or name))
        return value

    @field_validator("name", "precision")
    @classmethod
    def _is_said_for_a_model_of_the_catalogue(cls, value: Any, info: ValidationInfo) -> Any:
        described = info.data.get("hub") is not None or info.data.get("custom") is not None
        if value is None and not described and {"hub", "custom"} <= info.data.keys():
            raise PydanticKnownError("missing")
        return value

    @model_validator(mode="after")
    def _is_one_model(self) -> Self:
        if sum(given is not None for given in (self.hub, self.custom, self.name)) > 1:
            raise ValueError("name, hub and custom are three ways to say the same: give one of them")
        if self.precision is not None and self.name is None:
            raise ValueError("precision goes with name; hub and custom have one checkpoint")
        return self

    @property
    def title(self) -> str:
        """What to call the model where nothing more is known of it."""
        return self.name or self.hub or (self.custom.name if self.custom else "")
