"""What every key of the stack file shares: strictness, camelCase, and the small types that several keys use."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

__all__ = ["DnsLabel", "Quantity", "SecretKeySettings", "Settings"]

DnsLabel = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
"""RFC 1123 label: what Kubernetes accepts as the name of a namespace, a Service or a label value."""
Quantity = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$")]
"""A Kubernetes quantity, such as ``400Gi`` or ``16``."""


class Settings(BaseModel):
    """Base of all: unknown keys are errors, values never change, keys are written in camelCase."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )


class SecretKeySettings(Settings):
    """One value in an existing Secret."""

    secret_name: DnsLabel = Field(description="Name of the Secret.")
    key: str = Field("token", min_length=1, description="Key inside the Secret.")
