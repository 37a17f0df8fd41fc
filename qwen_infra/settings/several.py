"""One stack, several models: ``models`` maps a short name to what differs from the keys that all models share.

A stack file without ``models`` is one deployment, made of its own keys. Either way each deployment is a whole set of
values, so that nothing behind the settings knows of the other form. Only plain data here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from qwen_infra.errors import ConfigurationError
from qwen_infra.settings.environment import find_profile
from qwen_infra.settings.layers import contains, merge_all

__all__ = ["MODELS", "MODEL_NAME", "Layers", "list_deployments"]

MODELS = "models"
STACK_WIDE = frozenset({"cluster", "environment", MODELS})
"""Keys that one stack has once."""
MODEL_NAME = r"[a-z0-9]([-a-z0-9]{0,32}[a-z0-9])?"
"""A DNS label that leaves room for ``vllm-`` in the 39 characters of a server's name."""


@dataclass(frozen=True)
class Layers:
    """The values of one deployment by where they come from, the lowest first."""

    profile: Mapping[str, Any]
    shared: Mapping[str, Any]
    own: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None

    def merged(self) -> dict[str, Any]:
        named = {"server": {"name": f"vllm-{self.name}"}} if self.name else {}
        return merge_all((self.profile, named, self.shared, self.own))

    def key_of(self, path: list[str]) -> str:
        """Where in the stack file a value stands, or would: with the model that says it, else among the shared."""
        if self.name is None or (contains(self.shared, path) and not contains(self.own, path)):
            return ".".join(path)
        return ".".join((MODELS, self.name, *path))


def list_deployments(raw: Mapping[str, Any]) -> list[Layers]:
    """The deployments of a stack file, in its order.

    Raises:
        ConfigurationError: no such environment; ``models`` is no map of names to maps, or repeats a stack-wide key.
    """
    profile = find_profile(raw.get("environment"))
    if MODELS not in raw:
        return [Layers(profile, raw)]
    shared = {key: value for key, value in raw.items() if key != MODELS}
    return [Layers(profile, shared, own, name) for name, own in _check(raw[MODELS]).items()]


def _check(models: Any) -> Mapping[str, Mapping[str, Any]]:
    where = f"qwen-infra:{MODELS}"
    if not isinstance(models, Mapping) or not models:
        raise ConfigurationError(
            "this must map a short name of each model to its keys", where=where, found=repr(models), expected="a map"
        )
    for name, own in models.items():
        if not isinstance(name, str) or not re.fullmatch(MODEL_NAME, name):
            raise ConfigurationError(
                "the name of a model must be a DNS label", where=where, found=name, expected="at most 35 of a-z, 0-9, -"
            )
        if not isinstance(own, Mapping):
            raise ConfigurationError(
                "this must be a map of keys", where=f"{where}.{name}", found=repr(own), expected="model, server, …"
            )
        if wide := sorted(STACK_WIDE & own.keys()):
            raise ConfigurationError(
                "this key holds for the whole stack; another value needs another stack",
                where=f"{where}.{name}.{wide[0]}",
                mend=f"pulumi config rm --path '{where}.{name}.{wide[0]}'",
            )
    return models
