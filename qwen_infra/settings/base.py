"""What every key of the stack file shares: strictness, camelCase, and the small types that several keys use."""

import json
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

from qwen_infra.errors import ConfigurationError

__all__ = [
    "DnsLabel",
    "Quantity",
    "SecretKeySettings",
    "Settings",
    "decode_value",
    "read_level_alone",
    "refuse_truth_as_number",
]

DnsLabel = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
"""RFC 1123 label: what Kubernetes accepts as the name of a namespace, a Service or a label value."""
Quantity = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$")]
"""A Kubernetes quantity, such as ``400Gi`` or ``16``."""


def decode_value(key: str, value: Any) -> Any:
    """The value of a key, read where it is a JSON text, as Pulumi hands maps and lists over.

    Raises:
        ConfigurationError: it begins as JSON does and is none.
    """
    if not isinstance(value, str) or value[:1] not in {"{", "["}:
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"the value begins as JSON does and is none: {error}",
            where=key,
            mend=f"pulumi config rm '{key}', then write it as YAML into the stack file",
        ) from None


def read_level_alone(values: Any, *words: str) -> Any:
    """A top-level key given as its level alone (``benchmark: smoke``), and ``off``, which YAML 1.1 reads as false.

    ``words`` are the keys inside that take the word ``off``.
    """
    if values is False:
        return {"level": "off"}
    if isinstance(values, str):
        return {"level": values}
    if isinstance(values, dict):
        return {key: "off" if value is False and key in words else value for key, value in values.items()}
    return values


def refuse_truth_as_number(model: type[BaseModel], field: str, value: Any) -> Any:
    """``value``, unless it is true or false where ``field`` of ``model`` is a number, which would mean 1 or 0.

    Raises:
        ValueError: it is.
    """
    annotation = model.model_fields[field].annotation
    kinds = {annotation, *get_args(annotation)}
    values = value.values() if isinstance(value, dict) else [value]
    if any(isinstance(item, bool) for item in values) and kinds & {int, float} and bool not in kinds:
        raise ValueError("Input should be a number")
    return value


class Settings(BaseModel):
    """Base of all: unknown keys are errors, values never change, keys are written in camelCase."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        allow_inf_nan=False,
    )

    @field_validator("*", mode="before")
    @classmethod
    def _is_no_truth_where_a_number_is_due(cls, value: Any, info: ValidationInfo) -> Any:
        return refuse_truth_as_number(cls, str(info.field_name), value)


class SecretKeySettings(Settings):
    """One value in an existing Secret."""

    secret_name: DnsLabel = Field(description="Name of the Secret.")
    key: str = Field("token", min_length=1, description="Key inside the Secret.")
