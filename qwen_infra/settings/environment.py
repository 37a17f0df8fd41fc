"""The key ``environment``: which profile of ``environments.yaml`` lies under the stack file."""

from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

import yaml

from qwen_infra.errors import ConfigurationError

__all__ = ["ENVIRONMENTS", "Environment", "find_profile"]

Environment = Literal["dev", "staging", "prod"]
ENVIRONMENTS: tuple[str, ...] = get_args(Environment)


def find_profile(name: object) -> dict[str, Any]:
    """The values of a profile; empty when none is named.

    Raises:
        ConfigurationError: there is no such profile.
    """
    if name is None:
        return {}
    if name not in ENVIRONMENTS:
        raise ConfigurationError(
            "there is no such environment",
            where="qwen-infra:environment",
            found=name,
            expected=f"one of: {', '.join(ENVIRONMENTS)}",
            mend="pulumi config set qwen-infra:environment dev",
        )
    return _profiles()[str(name)]


@cache
def _profiles() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(
        files("qwen_infra.settings").joinpath("environments.yaml").read_text("utf-8")
    )
    return found
