"""``samplingDefaults`` as ``--override-generation-config``: the card's recommendation with the stack file's changes."""

from collections.abc import Mapping
from typing import Any

from qwen_infra.catalog import Model
from qwen_infra.errors import ConfigurationError
from qwen_infra.settings import SamplingSettings

__all__ = ["build_generation_config"]

KEY = "qwen-infra:server.samplingDefaults"
_FIELDS = ("temperature", "top_p", "top_k", "min_p", "presence_penalty", "repetition_penalty")


def build_generation_config(settings: SamplingSettings | None, model: Model) -> Mapping[str, Any] | None:
    """The values for ``get_diff_sampling_param`` of vLLM 0.32 (``config/model.py``); None when nothing was asked for.

    Raises:
        ConfigurationError: a preset that the model has not, or an empty ``samplingDefaults``.
    """
    if settings is None:
        return None
    values = _preset(settings.preset, model) if settings.preset else {}
    values |= settings.model_dump(exclude={"preset"}, exclude_none=True)
    if not values:
        raise ConfigurationError(
            "it names neither a preset nor a value", where=KEY, mend=f"pulumi config rm --path '{KEY}'"
        )
    return values


def _preset(mode: str, model: Model) -> dict[str, Any]:
    preset = model.sampling_preset(mode)
    if preset is None:
        known = [item.mode for item in model.sampling]
        raise ConfigurationError(
            f"{model.name} has no such preset",
            where=f"{KEY}.preset",
            found=mode,
            expected=f"one of: {', '.join(known)}" if known else "no preset: its model card recommends nothing",
            mend=f"pulumi config set --path '{KEY}.preset' {known[0]}" if known else None,
        )
    return preset.model_dump(include=set(_FIELDS))
