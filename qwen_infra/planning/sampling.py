"""The sampling that a model's card recommends, by the name of its mode: as the server's defaults, or a benchmark's."""

from collections.abc import Mapping
from typing import Any

from qwen_infra.catalog import Model
from qwen_infra.errors import ConfigurationError
from qwen_infra.settings import SamplingSettings

__all__ = ["build_generation_config", "find_sampling"]

KEY = "qwen-infra:server.samplingDefaults"
_FIELDS = ("temperature", "top_p", "top_k", "min_p", "presence_penalty", "repetition_penalty")


def build_generation_config(settings: SamplingSettings | None, model: Model) -> Mapping[str, Any] | None:
    """The values for ``get_diff_sampling_param`` of vLLM 0.32 (``config/model.py``); None when nothing was asked for.

    Raises:
        ConfigurationError: a preset that the model has not, or an empty ``samplingDefaults``.
    """
    if settings is None:
        return None
    values = find_sampling(settings.preset, model, key=f"{KEY}.preset") if settings.preset else {}
    values |= settings.model_dump(exclude={"preset"}, exclude_none=True)
    if not values:
        raise ConfigurationError(
            "it names neither a preset nor a value", where=KEY, mend=f"pulumi config rm --path '{KEY}'"
        )
    return values


def find_sampling(mode: str, model: Model, *, key: str) -> dict[str, Any]:
    """The values that the model's card recommends for a mode; ``key`` is where the mode was named.

    Raises:
        ConfigurationError: the card has no such mode; names those it has.
    """
    preset = model.sampling_preset(mode)
    if preset is None:
        known = [item.mode for item in model.sampling]
        raise ConfigurationError(
            f"{model.name} has no such preset",
            where=key,
            found=mode,
            expected=f"one of: {', '.join(known)}" if known else "no preset: its model card recommends nothing",
            mend=f"pulumi config set --path '{key}' {known[0]}" if known and key.startswith("qwen-infra:") else None,
        )
    return preset.model_dump(include=set(_FIELDS))
