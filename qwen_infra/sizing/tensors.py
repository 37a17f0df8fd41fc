"""Every weight matrix of an architecture: its shape, how many there are, which layers have it and how it is sharded.

Not here: bytes (``weights.py``), because they depend on the checkpoint's precision.

Sources: the tensor lists of the safetensors headers (Qwen3.5: the totals are reproduced exactly, see the tests) and
the layer classes of vLLM 0.32 (``model_executor/models/qwen3_next.py``, ``qwen3_5.py``, ``deepseek_v2.py``).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from qwen_infra.catalog import (
    Architecture,
    Attention,
    GatedDeltaNet,
    LatentAttention,
    MixtureOfExperts,
    VisionTower,
)

__all__ = ["Placement", "Sharding", "Tensor", "count_parameters", "list_tensors"]

Part = Literal[
    "embedding",
    "lm_head",
    "attention",
    "linear_attention",
    "mlp",
    "shared_experts",
    "routed_experts",
    "router",
    "norm",
    "mtp",
    "vision",
]
Placement = Literal["first", "last", "every_layer", "full_layer", "linear_layer", "dense_layer", "expert_layer", "mtp"]
"""Which layers have the tensor; ``first`` and ``last`` are the two ends of a pipeline."""
Sharding = Literal["tensor", "kv_heads", "experts", "replicated"]


@dataclass(frozen=True, slots=True)
class Tensor:
    """``count`` matrices of ``inputs`` x ``outputs`` in each layer of ``placement``."""

    part: Part
    inputs: int
    outputs: int
    placement: Placement
    sharding: Sharding = "replicated"
    count: int = 1
    is_quantizable: bool = False
    is_float32: bool = False

    @property
    def parameters(self) -> int:
        """Elements in one layer."""
        return self.inputs * self.outputs * self.count


def count_parameters(architecture: Architecture) -> int:
    """Elements of every tensor, MTP layer and vision tower included: what the safetensors headers add up to."""
    return sum(
        tensor.parameters * _layers_with(architecture, tensor.placement) for tensor in list_tensors(architecture)
    )


def _layers_with(architecture: Architecture, placement: Placement) -> int:
    dense = architecture.layers if architecture.moe is None else architecture.moe.first_dense_layers
    return {
        "first": 1,
        "last": 1,
        "mtp": 1,
        "every_layer": architecture.layers,
        "full_layer": architecture.full_attention_layers,
        "linear_layer": architecture.linear_attention_layers,
        "dense_layer": dense,
        "expert_layer": architecture.layers - dense,
    }[placement]


def list_tensors(architecture: Architecture) -> tuple[Tensor, ...]:
    """All tensors of a checkpoint of this architecture."""
    hidden = architecture.hidden
    tensors = [Tensor("embedding", hidden, architecture.vocabulary_size, "first", "tensor")]
    if not architecture.tied_embeddings:
        tensors.append(Tensor("lm_head", hidden, architecture.vocabulary_size, "last", "tensor"))
    tensors.append(Tensor("norm", hidden, 1, "last"))
    tensors.append(Tensor("norm", hidden, 2, "every_layer"))
    tensors += _full_attention(architecture, "full_layer")
    if architecture.linear_attention is not None:
        tensors += _gated_delta_net(hidden, architecture.linear_attention)
    if architecture.intermediate is not None:
        tensors += _feed_forward("mlp", hidden, architecture.intermediate, "dense_layer")
    if architecture.moe is not None:
        tensors += _experts(hidden, architecture.moe, "expert_layer")
    if architecture.mtp_layers:
        tensors += _mtp(architecture)
    if architecture.vision is not None:
        tensors += _vision(architecture.vision, hidden)
    return tuple(tensors)


def _full_attention(architecture: Architecture, placement: Placement) -> Iterator[Tensor]:
    if architecture.attention is not None:
        return _grouped_attention(architecture.hidden, architecture.attention, placement)
    assert architecture.latent_attention is not None  # Architecture demands one of the two
    return _latent_attention(architecture.hidden, architecture.latent_attention, placement)


def _grouped_attention(hidden: int, attention: Attention, placement: Placement) -> Iterator[Tensor]:
    query = attention.q_heads * attention.head_dim
    key = attention.kv_heads * attention.head_dim
    gated = 2 * query if attention.has_output_gate else query
    yield Tensor("attention", hidden, gated, placement, "tensor", is_quantizable=True)
    yield Tensor("attention", hidden, key, placement, "kv_heads", count=2, is_quantizable=True)
    yield Tensor("attention", query, hidden, placement, "tensor", is_quantizable=True)
    if attention.has_qk_norm:
        yield Tensor("norm", attention.head_dim, 2, placement)
    if attention.has_bias:
        yield Tensor("norm", gated + 2 * key, 1, placement)


def _latent_attention(hidden: int, latent: LatentAttention, placement: Placement) -> Iterator[Tensor]:
    heads = latent.q_heads
    query = heads * (latent.qk_nope_head_dim + latent.qk_rope_head_dim)
    compressed = latent.kv_lora_rank + latent.qk_rope_head_dim
    if latent.q_lora_rank is None:
        yield Tensor("attention", hidden, query, placement, "tensor", is_quantizable=True)
    else:
        yield Tensor("attention", hidden, latent.q_lora_rank, placement, is_quantizable=True)
        yield Tensor("norm", latent.q_lora_rank, 1, placement)
        yield Tensor("attention", latent.q_lora_rank, query, placement, "tensor", is_quantizable=True)
    yield Tensor("attention", hidden, compressed, placement, is_quantizable=True)
    yield Tensor("norm", latent.kv_lora_rank, 1, placement)
    decompressed = heads * (latent.qk_nope_head_dim + latent.v_head_dim)
    yield Tensor("attention", latent.kv_lora_rank, decompressed, placement, "tensor", is_quantizable=True)
    yield Tensor("attention", heads * latent.v_head_dim, hidden, placement, "tensor", is_quantizable=True)
    if latent.index_heads is not None and latent.index_head_dim is not None:
        width = latent.index_heads * latent.index_head_dim
        yield Tensor("attention", latent.q_lora_rank or hidden, width, placement, is_quantizable=True)
        yield Tensor("attention", hidden, latent.index_head_dim, placement, is_quantizable=True)
        yield Tensor("attention", hidden, latent.index_heads, placement)
        yield Tensor("norm", latent.index_head_dim, 2, placement)


def _gated_delta_net(hidden: int, net: GatedDeltaNet) -> Iterator[Tensor]:
    values = net.value_heads * net.value_head_dim
    mixed = 2 * net.key_heads * net.key_head_dim + values
    for width, is_quantizable in ((mixed, True), (values, True), (2 * net.value_heads, False)):
        yield Tensor("linear_attention", hidden, width, "linear_layer", "tensor", is_quantizable=is_quantizable)
    yield Tensor("linear_attention", net.conv_kernel, mixed, "linear_layer", "tensor")
    yield Tensor("linear_attention", net.value_heads, 1, "linear_layer", "tensor")  # dt_bias
    yield Tensor("linear_attention", net.value_heads, 1, "linear_layer", "tensor", is_float32=True)  # A_log
    yield Tensor("norm", net.value_head_dim, 1, "linear_layer", is_float32=True)
    yield Tensor("linear_attention", values, hidden, "linear_layer", "tensor", is_quantizable=True)


def _feed_forward(part: Part, hidden: int, intermediate: int, placement: Placement) -> Iterator[Tensor]:
    yield Tensor(part, hidden, intermediate, placement, "tensor", count=2, is_quantizable=True)
    yield Tensor(part, intermediate, hidden, placement, "tensor", is_quantizable=True)


def _experts(hidden: int, moe: MixtureOfExperts, placement: Placement) -> Iterator[Tensor]:
    width = moe.expert_intermediate
    for inputs, outputs, count in ((hidden, width, 2 * moe.experts), (width, hidden, moe.experts)):
        yield Tensor("routed_experts", inputs, outputs, placement, "experts", count, is_quantizable=True)
    yield Tensor("router", hidden, moe.experts, placement)
    if moe.shared_intermediate:
        yield from _feed_forward("shared_experts", hidden, moe.shared_intermediate, placement)
    if moe.has_shared_gate:
        yield Tensor("router", hidden, 1, placement)


def _mtp(architecture: Architecture) -> Iterator[Tensor]:
    """One full-attention layer of the model's own shape, its norms, and the projection of (token, hidden) to hidden."""
    hidden = architecture.hidden
    yield Tensor("mtp", 2 * hidden, hidden, "mtp", "tensor")
    yield Tensor("norm", hidden, 5, "mtp")
    layer = list(_full_attention(architecture, "mtp"))
    if architecture.moe is not None:
        layer += _experts(hidden, architecture.moe, "mtp")
    elif architecture.intermediate is not None:
        layer += _feed_forward("mlp", hidden, architecture.intermediate, "mtp")
    for tensor in layer:
        yield replace(tensor, part="mtp") if tensor.is_quantizable else tensor


def _vision(vision: VisionTower, out: int) -> Iterator[Tensor]:
    hidden, merged = vision.hidden, vision.hidden * vision.spatial_merge**2
    patch = 3 * vision.temporal_patch * vision.patch**2
    yield Tensor("vision", patch + 1, hidden, "first")
    yield Tensor("vision", vision.position_embeddings, hidden, "first")
    yield Tensor("vision", hidden, 4, "first", count=vision.depth)  # two norms with bias
    for inputs, outputs in ((hidden, 3 * hidden), (hidden, hidden), (hidden, vision.intermediate)):
        yield Tensor("vision", inputs + 1, outputs, "first", "tensor", count=vision.depth)
    yield Tensor("vision", vision.intermediate + 1, hidden, "first", "tensor", count=vision.depth)
    yield Tensor("vision", hidden, 2, "first")
    yield Tensor("vision", merged + 1, merged, "first", "tensor")
    yield Tensor("vision", merged + 1, out, "first", "tensor")
