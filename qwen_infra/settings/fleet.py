"""The stack file of the project ``fleet/``: which stacks its catalogue lists, and where it is published."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError

from qwen_infra.errors import ConfigurationError
from qwen_infra.settings.base import Settings, decode_value

__all__ = ["CatalogueTarget", "FleetSettings", "load_fleet_settings"]

NAMESPACE = "qwen-infra-fleet"


class CatalogueTarget(Settings):
    """A cluster that gets the catalogue as a ConfigMap."""

    identifier: str = Field(min_length=1, description="Name of the cluster, for ever; another one is another cluster.")
    namespace: str = Field("default", min_length=1, description="Namespace of the ConfigMap; it must exist.")
    name: str = Field("qwen-endpoints", min_length=1, description="Name of the ConfigMap.")
    kubeconfig: str | None = Field(None, description="Path; default: $KUBECONFIG.")
    context: str | None = Field(None, description="Context of the kubeconfig; default: its current one.")


class FleetSettings(Settings):
    """The keys ``qwen-infra-fleet:…``."""

    stacks: list[str] = Field(min_length=1, description="Stacks whose endpoints are listed, in any order.")
    project: str = Field("qwen-infra", description="Project of the stacks, as their Pulumi.yaml names it.")
    organization: str = Field("organization", description="Their organization; `organization` outside Pulumi Cloud.")
    publish_to: list[CatalogueTarget] = Field(default_factory=list, description="Clusters that get a ConfigMap.")


def load_fleet_settings(config: Mapping[str, Any]) -> FleetSettings:
    """Settings from ``{"qwen-infra-fleet:stacks": …}``; values may be JSON texts, as Pulumi hands them over.

    Raises:
        ConfigurationError: the first wrong key; or a stack, or a cluster's ConfigMap, that is named twice.
    """
    prefix = f"{NAMESPACE}:"
    raw = {
        key.removeprefix(prefix): decode_value(key, value) for key, value in config.items() if key.startswith(prefix)
    }
    try:
        found = FleetSettings.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        key = prefix + ".".join(str(part) for part in first["loc"])
        mend = f"pulumi config set --path '{key}' <value>"
        if first["type"] == "extra_forbidden":
            known = ", ".join(field.alias or name for name, field in FleetSettings.model_fields.items())
            mend = f"pulumi config rm --path '{key}' (known: {known})"
        raise ConfigurationError(first["msg"].removeprefix("Value error, "), where=key, mend=mend) from None
    _refuse_repetition("stacks", found.stacks)
    _refuse_repetition("publishTo", [f"{each.identifier}/{each.namespace}/{each.name}" for each in found.publish_to])
    return found


def _refuse_repetition(key: str, names: list[str]) -> None:
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise ConfigurationError("this is named twice", where=f"{NAMESPACE}:{key}", found=repeated, mend="name it once")
