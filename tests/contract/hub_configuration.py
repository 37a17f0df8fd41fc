"""The ``config.json`` that the Hub holds for a model of the catalogue: what vLLM derives its shapes from."""

from typing import Any

from qwen_infra.catalog import Architecture, Model

__all__ = ["describe", "list_layer_types"]


def list_layer_types(architecture: Architecture) -> list[str]:
    """The kind of each layer, as ``layer_types`` of ``config.json`` names it."""
    interval = architecture.full_attention_interval
    return [
        "full_attention" if (index + 1) % interval == 0 else "linear_attention" for index in range(architecture.layers)
    ]


def describe(model: Model) -> dict[str, Any]:
    """A Qwen3.5 hybrid as ``qwen3_5`` or ``qwen3_5_moe``, plain attention as ``qwen3``."""
    architecture = model.architecture
    if architecture.linear_attention is None:
        return {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", **_decoder(model)}
    kind = "qwen3_5" if architecture.moe is None else "qwen3_5_moe"
    name = "Qwen3_5" if architecture.moe is None else "Qwen3_5Moe"
    return {
        "architectures": [f"{name}ForConditionalGeneration"],
        "model_type": kind,
        "text_config": {"model_type": f"{kind}_text", **_decoder(model), **_state(architecture)},
        "vision_config": {"model_type": kind, **_vision(architecture)},
        "image_token_id": 11,
        "video_token_id": 12,
        "vision_start_token_id": 13,
        "vision_end_token_id": 14,
        "tie_word_embeddings": architecture.tied_embeddings,
    }


def _decoder(model: Model) -> dict[str, Any]:
    architecture = model.architecture
    assert architecture.attention is not None
    described: dict[str, Any] = {
        "hidden_size": architecture.hidden,
        "num_hidden_layers": architecture.layers,
        "num_attention_heads": architecture.attention.q_heads,
        "num_key_value_heads": architecture.attention.kv_heads,
        "head_dim": architecture.attention.head_dim,
        "intermediate_size": architecture.intermediate or 1024,
        "vocab_size": architecture.vocabulary_size,
        "max_position_embeddings": model.native_context_tokens,
        "tie_word_embeddings": architecture.tied_embeddings,
        "dtype": "bfloat16",
    }
    if architecture.moe is not None:
        described |= {
            "num_experts": architecture.moe.experts,
            "num_experts_per_tok": architecture.moe.experts_per_token,
            "moe_intermediate_size": architecture.moe.expert_intermediate,
            "shared_expert_intermediate_size": architecture.moe.shared_intermediate,
        }
    return described


def _state(architecture: Architecture) -> dict[str, Any]:
    net = architecture.linear_attention
    assert net is not None
    return {
        "layer_types": list_layer_types(architecture),
        "full_attention_interval": architecture.full_attention_interval,
        "linear_num_key_heads": net.key_heads,
        "linear_num_value_heads": net.value_heads,
        "linear_key_head_dim": net.key_head_dim,
        "linear_value_head_dim": net.value_head_dim,
        "linear_conv_kernel_dim": net.conv_kernel,
        "mamba_ssm_dtype": "float32",
        "attn_output_gate": True,
        "mtp_num_hidden_layers": architecture.mtp_layers,
    }


def _vision(architecture: Architecture) -> dict[str, Any]:
    vision = architecture.vision
    assert vision is not None
    return {
        "depth": vision.depth,
        "hidden_size": vision.hidden,
        "intermediate_size": vision.intermediate,
        "num_heads": vision.heads,
        "out_hidden_size": architecture.hidden,
        "patch_size": vision.patch,
        "spatial_merge_size": vision.spatial_merge,
        "temporal_patch_size": vision.temporal_patch,
        "num_position_embeddings": vision.position_embeddings,
    }
