"""Derives a custom model from its Hub files: ``config.json`` and the totals of its safetensors headers. Pure.

Not here: fetching them (``hub.py``).
"""

from collections.abc import Mapping
from typing import Any

from qwen_infra.catalog.custom import ArchitectureKind, CustomModel, IncompleteModelError
from qwen_infra.catalog.models import Model, Precision

__all__ = ["DTYPE_BYTES", "derive_model"]

DTYPE_BYTES: dict[str, float] = {
    "F64": 8,
    "I64": 8,
    "F32": 4,
    "I32": 4,
    "U32": 4,
    "BF16": 2,
    "F16": 2,
    "I16": 2,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "F8_E8M0": 1,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
    "F4": 0.5,
}
"""Bytes of an element of each safetensors type that checkpoints use."""

_PRECISIONS: dict[str, Precision] = {"fp8": "fp8", "gptq": "gptq-int4", "modelopt": "nvfp4", "modelopt_fp4": "nvfp4"}


def derive_model(repository: str, config: Mapping[str, Any], parameter_count: Mapping[str, int]) -> Model:
    """A model from its ``config.json`` and its elements per safetensors type (``{"BF16": 123, "F32": 4}``).

    Raises:
        IncompleteModelError: the configuration lacks what its architecture needs, is quantized in an unknown way, or a
            safetensors type is unknown.
    """
    text = config.get("text_config", config)
    kind = _kind(text)
    values = _COMMON | _BY_KIND.get(kind, {})
    described = {field: _first(text, keys) for field, keys in values.items()}
    described |= _experts(text) | _derived(text, config)
    description = CustomModel.model_validate(
        {
            "name": repository.split("/")[-1],
            "repository": repository,
            "kind": kind,
            "precision": _precision(repository, config, text),
            "checkpoint_bytes": _count_bytes(repository, parameter_count),
        }
        | {field: value for field, value in described.items() if value is not None}
    )
    return description.to_model()


_COMMON: dict[str, tuple[str, ...]] = {
    "layers": ("num_hidden_layers", "n_layer"),
    "hidden_size": ("hidden_size", "n_embd"),
    "vocabulary_size": ("vocab_size",),
    "context_tokens": ("max_position_embeddings",),
    "query_heads": ("num_attention_heads", "n_head"),
    "kv_heads": ("num_key_value_heads", "num_attention_heads", "n_head"),
    "head_dim": ("head_dim",),
    "intermediate_size": ("intermediate_size",),
    "output_gate": ("attn_output_gate",),
    "mtp_layers": ("mtp_num_hidden_layers", "num_nextn_predict_layers"),
}
_BY_KIND: dict[ArchitectureKind, dict[str, tuple[str, ...]]] = {
    "mla": {
        "kv_lora_rank": ("kv_lora_rank",),
        "q_lora_rank": ("q_lora_rank",),
        "qk_nope_head_dim": ("qk_nope_head_dim",),
        "qk_rope_head_dim": ("qk_rope_head_dim",),
        "v_head_dim": ("v_head_dim",),
        "index_heads": ("index_n_heads",),
        "index_head_dim": ("index_head_dim",),
    },
    "qwen3.5-hybrid": {
        "linear_key_heads": ("linear_num_key_heads",),
        "linear_value_heads": ("linear_num_value_heads",),
        "linear_key_head_dim": ("linear_key_head_dim",),
        "linear_value_head_dim": ("linear_value_head_dim",),
        "linear_conv_kernel": ("linear_conv_kernel_dim",),
        "full_attention_interval": ("full_attention_interval",),
    },
}


def _first(text: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((text[key] for key in keys if text.get(key) is not None), None)


def _kind(text: Mapping[str, Any]) -> ArchitectureKind:
    if text.get("kv_lora_rank"):
        return "mla"
    if text.get("linear_num_value_heads") or text.get("full_attention_interval"):
        return "qwen3.5-hybrid"
    return "moe" if _expert_count(text) else "dense"


def _expert_count(text: Mapping[str, Any]) -> Any:
    return _first(text, ("num_experts", "n_routed_experts", "num_local_experts"))


def _experts(text: Mapping[str, Any]) -> dict[str, Any]:
    count = _expert_count(text)
    if not count:
        return {}
    width = _first(text, ("moe_intermediate_size", "intermediate_size"))
    shared = text.get("shared_expert_intermediate_size")
    if shared is None and width is not None:
        shared = (text.get("n_shared_experts") or 0) * width
    dense_layers = text.get("first_k_dense_replace") or 0
    return {
        "experts": count,
        "experts_per_token": _first(text, ("num_experts_per_tok", "num_experts_per_token")),
        "expert_intermediate_size": width,
        "shared_intermediate_size": shared or 0,
        "first_dense_layers": dense_layers,
        "intermediate_size": text.get("intermediate_size") if dense_layers else None,
    }


def _derived(text: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Fields whose absence has a meaning: a head is hidden / heads wide, embeddings are not tied."""
    heads, hidden = text.get("num_attention_heads"), text.get("hidden_size")
    head_dim = text.get("head_dim") or (hidden // heads if heads and hidden else None)
    tied = text.get("tie_word_embeddings", config.get("tie_word_embeddings", False))
    return {"head_dim": head_dim, "tied_embeddings": bool(tied)}


def _precision(repository: str, config: Mapping[str, Any], text: Mapping[str, Any]) -> Precision:
    quantization = config.get("quantization_config") or text.get("quantization_config")
    if not quantization:
        return "bf16"
    method = str(quantization.get("quant_method", ""))
    if method not in _PRECISIONS:
        raise IncompleteModelError(
            f"{repository} is quantized in a way that sizing does not know",
            where="qwen-infra:model.custom",
            found=method or None,
            expected=" or ".join(_PRECISIONS),
        )
    return _PRECISIONS[method]


def _count_bytes(repository: str, parameter_count: Mapping[str, int]) -> int:
    unknown = [name for name in parameter_count if name not in DTYPE_BYTES]
    if unknown:
        raise IncompleteModelError(
            f"{repository} has tensors of an unknown type",
            where="qwen-infra:model.custom",
            found=", ".join(unknown),
            expected=", ".join(DTYPE_BYTES),
        )
    return round(sum(DTYPE_BYTES[name] * count for name, count in parameter_count.items()))
