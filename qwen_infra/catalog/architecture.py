"""The shape of a model as its ``config.json`` gives it: layers, heads, experts, towers. Plain validated values.

Not here: what the shape costs in memory (``qwen_infra.sizing``), checkpoints and advice (``models.py``).
"""

from typing import Self

from pydantic import BaseModel, ConfigDict, PositiveInt, model_validator

__all__ = [
    "Architecture",
    "Attention",
    "GatedDeltaNet",
    "LatentAttention",
    "MixtureOfExperts",
    "VisionTower",
]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Attention(_Shape):
    """Softmax attention with grouped query heads (GQA); multi-head when ``kv_heads`` equals ``q_heads``."""

    q_heads: PositiveInt
    kv_heads: PositiveInt
    head_dim: PositiveInt
    has_output_gate: bool = False
    """Qwen3.5's ``attn_output_gate``: the query projection is twice as wide."""
    has_qk_norm: bool = False
    has_bias: bool = False


class LatentAttention(_Shape):
    """Multi-head latent attention (MLA): one compressed key/value vector a token, shared by every head."""

    q_heads: PositiveInt
    q_lora_rank: PositiveInt | None = None
    kv_lora_rank: PositiveInt
    qk_nope_head_dim: PositiveInt
    qk_rope_head_dim: PositiveInt
    v_head_dim: PositiveInt
    index_heads: PositiveInt | None = None
    """Heads of the sparse-attention indexer (DSA); None when the model has no indexer."""
    index_head_dim: PositiveInt | None = None


class GatedDeltaNet(_Shape):
    """Linear attention with a fixed-size state per request (GDN), in the layers that have no full attention."""

    key_heads: PositiveInt
    value_heads: PositiveInt
    key_head_dim: PositiveInt = 128
    value_head_dim: PositiveInt = 128
    conv_kernel: PositiveInt = 4


class MixtureOfExperts(_Shape):
    """Routed experts, of which each token uses a few, and shared experts that every token uses."""

    experts: PositiveInt
    experts_per_token: PositiveInt
    expert_intermediate: PositiveInt
    shared_intermediate: int = 0
    """Width of all shared experts together; 0 without one."""
    has_shared_gate: bool = False
    first_dense_layers: int = 0
    """Leading layers that have a dense feed-forward of ``Architecture.intermediate`` instead of experts."""


class VisionTower(_Shape):
    """The image and video encoder in front of the language model."""

    depth: PositiveInt
    hidden: PositiveInt
    heads: PositiveInt
    intermediate: PositiveInt
    patch: PositiveInt = 16
    temporal_patch: PositiveInt = 2
    spatial_merge: PositiveInt = 2
    position_embeddings: PositiveInt = 2304


class Architecture(_Shape):
    """A decoder: layers of attention (and of GDN in a hybrid), feed-forward or experts, embeddings, extra towers."""

    layers: PositiveInt
    hidden: PositiveInt
    vocabulary_size: PositiveInt
    tied_embeddings: bool
    attention: Attention | None = None
    latent_attention: LatentAttention | None = None
    linear_attention: GatedDeltaNet | None = None
    full_attention_interval: PositiveInt = 1
    """Every n-th layer has full attention, the others are ``linear_attention``; 1 when all have attention."""
    intermediate: PositiveInt | None = None
    """Width of the dense feed-forward; None when every layer has experts."""
    moe: MixtureOfExperts | None = None
    vision: VisionTower | None = None
    mtp_layers: int = 0
    """Layers for multi-token prediction that the checkpoint carries."""

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        if (self.attention is None) == (self.latent_attention is None):
            msg = "exactly one of `attention` and `latent_attention` is needed"
            raise ValueError(msg)
        if (self.full_attention_interval > 1) != (self.linear_attention is not None):
            msg = "`linear_attention` and a `full_attention_interval` above 1 belong together"
            raise ValueError(msg)
        if self.linear_attention is not None and self.layers % self.full_attention_interval:
            msg = f"`layers` ({self.layers}) must be a multiple of `full_attention_interval`"
            raise ValueError(msg)
        if self.intermediate is None and (self.moe is None or self.moe.first_dense_layers):
            msg = "`intermediate` is needed for the layers that have no experts"
            raise ValueError(msg)
        return self

    @property
    def full_attention_layers(self) -> int:
        """Layers with a key/value cache that grows with the context."""
        return self.layers // self.full_attention_interval

    @property
    def linear_attention_layers(self) -> int:
        """Layers with a fixed-size state per request."""
        return self.layers - self.full_attention_layers

    @property
    def query_heads(self) -> int:
        """Query heads of the full-attention layers, whichever kind they are."""
        heads = self.attention or self.latent_attention
        assert heads is not None  # the validator above proved it
        return heads.q_heads
