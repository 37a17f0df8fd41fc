"""Contexts above the native one: Qwen3.5's YaRN parameters, and the variable without which vLLM refuses the length."""

from collections.abc import Mapping
from typing import Any

from qwen_infra.catalog import Model
from qwen_infra.errors import ConfigurationError

__all__ = ["LONG_CONTEXT_VARIABLE", "build_rope_overrides", "needs_yarn"]

LONG_CONTEXT_VARIABLE = "VLLM_ALLOW_LONG_MAX_MODEL_LEN"
"""In vLLM 0.32 YaRN does not raise the derived maximum (``config/model.py``, ``_get_and_verify_max_len``)."""

_ROPE = {
    "mrope_interleaved": True,
    "mrope_section": [11, 11, 10],
    "rope_type": "yarn",
    "rope_theta": 10000000,
    "partial_rotary_factor": 0.25,
}
"""Model cards of Qwen3.5-4B and 397B, "Processing Ultra-Long Texts"."""
_FACTORS = (2.0, 4.0)
"""The cards' own: 2 for about 524 thousand tokens, 4 for about a million; a larger one hurts short prompts more."""


def needs_yarn(model: Model, max_model_len: int) -> bool:
    """Whether the length is above what the model was trained for."""
    return max_model_len > model.native_context_tokens


def build_rope_overrides(model: Model, max_model_len: int) -> Mapping[str, Any] | None:
    """``--hf-overrides`` for a length in tokens, with the smallest factor that reaches it; None when none is needed.

    Raises:
        ConfigurationError: a model whose rotary parameters are not known here.
    """
    if not needs_yarn(model, max_model_len):
        return None
    if model.family != "Qwen3.5":
        raise ConfigurationError(
            f"the YaRN parameters of {model.name} are not known",
            where="qwen-infra:server.longContext",
            expected=f"a context of at most {model.native_context_tokens} tokens",
            mend=f"pulumi config set --path 'qwen-infra:server.maxModelLen' {model.native_context_tokens}",
        )
    native = model.native_context_tokens
    factor = next((factor for factor in _FACTORS if max_model_len <= factor * native), _FACTORS[-1])
    rope = {**_ROPE, "factor": factor, "original_max_position_embeddings": native}
    return {"text_config": {"rope_parameters": rope}}
