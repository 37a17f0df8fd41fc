"""A model that the catalogue does not have, described in the stack file or derived from the Hub's files.

Not here: reading the Hub (``hub.py``) and the stack file (``qwen_infra.settings``).
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt
from pydantic.alias_generators import to_camel

from qwen_infra.catalog.architecture import (
    Architecture,
    Attention,
    GatedDeltaNet,
    LatentAttention,
    MixtureOfExperts,
)
from qwen_infra.catalog.models import Checkpoint, Model, Precision, Quantization
from qwen_infra.catalog.sources import Source
from qwen_infra.errors import ConfigurationError

__all__ = ["ArchitectureKind", "CustomModel", "IncompleteModelError", "quantization_of"]

ArchitectureKind = Literal["dense", "moe", "mla", "qwen3.5-hybrid"]

_ALWAYS = ("layers", "hidden_size", "vocabulary_size", "query_heads", "context_tokens", "checkpoint_bytes")
_NEEDED: dict[ArchitectureKind, tuple[str, ...]] = {
    "dense": ("kv_heads", "head_dim", "intermediate_size"),
    "moe": ("kv_heads", "head_dim", "experts", "experts_per_token", "expert_intermediate_size"),
    "mla": ("kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"),
    "qwen3.5-hybrid": ("kv_heads", "head_dim", "linear_key_heads", "linear_value_heads", "full_attention_interval"),
}

_EVERYTHING = ("attention", "linear_attention", "mlp", "shared_experts", "routed_experts", "mtp")


class IncompleteModelError(ConfigurationError):
    """A custom model lacks fields that its architecture needs, or they contradict each other."""


class CustomModel(BaseModel):
    """A model of one of the known architectures. All sizes as in its ``config.json``.

    ``checkpoint_bytes`` is what the weight files add up to; weights that the architecture does not explain are counted
    with it, so that the prediction stays on the safe side.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )

    name: str = Field(description="What to call it.")
    repository: str = Field(description="owner/name on the Hub, where its weights are.")
    kind: ArchitectureKind = Field(description="Its architecture.")
    precision: Precision = Field("bf16", description="Precision of its weights.")
    layers: PositiveInt | None = Field(None, description="num_hidden_layers.")
    hidden_size: PositiveInt | None = Field(None, description="hidden_size.")
    vocabulary_size: PositiveInt | None = Field(None, description="vocab_size.")
    context_tokens: PositiveInt | None = Field(None, description="max_position_embeddings.")
    checkpoint_bytes: PositiveInt | None = Field(None, description="Size of all weight files, in bytes.")
    query_heads: PositiveInt | None = Field(None, description="num_attention_heads.")
    kv_heads: PositiveInt | None = Field(None, description="num_key_value_heads.")
    head_dim: PositiveInt | None = Field(None, description="head_dim.")
    intermediate_size: PositiveInt | None = Field(None, description="intermediate_size of dense layers.")
    experts: PositiveInt | None = Field(None, description="num_experts.")
    experts_per_token: PositiveInt | None = Field(None, description="num_experts_per_tok.")
    expert_intermediate_size: PositiveInt | None = Field(None, description="moe_intermediate_size.")
    shared_intermediate_size: int = Field(0, description="Width of all shared experts together.")
    first_dense_layers: int = Field(0, description="Leading layers without experts.")
    kv_lora_rank: PositiveInt | None = Field(None, description="kv_lora_rank (MLA).")
    q_lora_rank: PositiveInt | None = Field(None, description="q_lora_rank (MLA).")
    qk_nope_head_dim: PositiveInt | None = Field(None, description="qk_nope_head_dim (MLA).")
    qk_rope_head_dim: PositiveInt | None = Field(None, description="qk_rope_head_dim (MLA).")
    v_head_dim: PositiveInt | None = Field(None, description="v_head_dim (MLA).")
    index_heads: PositiveInt | None = Field(None, description="index_n_heads (sparse MLA).")
    index_head_dim: PositiveInt | None = Field(None, description="index_head_dim (sparse MLA).")
    linear_key_heads: PositiveInt | None = Field(None, description="linear_num_key_heads (hybrid).")
    linear_value_heads: PositiveInt | None = Field(None, description="linear_num_value_heads (hybrid).")
    linear_key_head_dim: PositiveInt = Field(128, description="linear_key_head_dim (hybrid).")
    linear_value_head_dim: PositiveInt = Field(128, description="linear_value_head_dim (hybrid).")
    linear_conv_kernel: PositiveInt = Field(4, description="linear_conv_kernel_dim (hybrid).")
    full_attention_interval: PositiveInt | None = Field(None, description="full_attention_interval (hybrid).")
    tied_embeddings: bool = Field(False, description="tie_word_embeddings.")
    output_gate: bool = Field(False, description="attn_output_gate.")
    mtp_layers: int = Field(0, description="Layers for multi-token prediction.")
    default_thinking: bool = Field(False, description="Whether it thinks unasked.")
    reasoning_parser: str | None = Field(None, description="vLLM's reasoning parser.")
    tool_call_parser: str | None = Field(None, description="vLLM's tool parser.")
    licence: str = Field("unknown", description="Its licence.")

    def to_model(self) -> Model:
        """The catalogue entry.

        Raises:
            IncompleteModelError: fields that the architecture needs are missing (all of them are named), or the
                architecture contradicts itself.
        """
        self._check_complete()
        try:
            architecture = Architecture.model_validate(self._architecture())
        except ValueError as error:
            raise IncompleteModelError(
                f"the description of {self.name} contradicts itself: {_first_message(error)}",
                where="qwen-infra:model.custom",
                mend="correct it by the model's config.json",
            ) from error
        source = Source(text=f"description of {self.repository}", certainty="read")
        return Model.model_validate(
            {
                "name": self.name,
                "family": "custom",
                "tier": "middle",
                "licence": self.licence,
                "architecture": architecture,
                "total_parameters": self._count_parameters(),
                "native_context_tokens": self.context_tokens,
                "max_context_tokens": self.context_tokens,
                "default_thinking": self.default_thinking,
                "reasoning_parser": self.reasoning_parser,
                "tool_call_parser": self.tool_call_parser,
                "minimum_vllm_version": "0.32.0",
                "modalities": ("text",),
                "checkpoints": (self._checkpoint(source),),
                "sources": {"architecture": source},
            }
        )

    def _check_complete(self) -> None:
        needed = _ALWAYS + _NEEDED[self.kind]
        missing = [name for name in needed if getattr(self, name) is None]
        if self.intermediate_size is None and self.experts is None and "intermediate_size" not in missing:
            missing.append("intermediate_size")
        if self.experts is not None:
            missing += [n for n in ("experts_per_token", "expert_intermediate_size") if getattr(self, n) is None]
        if missing:
            names = ", ".join(dict.fromkeys(to_camel(name) for name in missing))
            raise IncompleteModelError(
                f"a {self.kind} model needs more fields: {names}",
                where="qwen-infra:model.custom",
                mend=f"add them from the config.json of {self.repository}",
            )

    def _count_parameters(self) -> int:
        """About how many parameters the bytes hold; exact for BF16 only."""
        assert self.checkpoint_bytes is not None  # `_check_complete` proved it
        bits = {"bf16": 16.0, "fp8": 8.0, "gptq-int4": 4.2, "nvfp4": 4.5}[self.precision]
        return max(1, round(self.checkpoint_bytes * 8 / bits))

    def _checkpoint(self, source: Source) -> Checkpoint:
        return Checkpoint.model_validate(
            {
                "precision": self.precision,
                "repository": self.repository,
                "bytes": self.checkpoint_bytes,
                "quantization": quantization_of(self.precision, has_experts=self.experts is not None),
                "official": False,
                "source": source,
            }
        )

    def _architecture(self) -> dict[str, Any]:
        return {
            "layers": self.layers,
            "hidden": self.hidden_size,
            "vocabulary_size": self.vocabulary_size,
            "tied_embeddings": self.tied_embeddings,
            "attention": None if self.kind == "mla" else self._attention(),
            "latent_attention": self._latent_attention() if self.kind == "mla" else None,
            "linear_attention": self._linear_attention() if self.kind == "qwen3.5-hybrid" else None,
            "full_attention_interval": self.full_attention_interval if self.kind == "qwen3.5-hybrid" else 1,
            "intermediate": self.intermediate_size,
            "moe": self._experts() if self.experts is not None else None,
            "mtp_layers": self.mtp_layers,
        }

    def _attention(self) -> Attention:
        return Attention.model_validate(
            {
                "q_heads": self.query_heads,
                "kv_heads": self.kv_heads,
                "head_dim": self.head_dim,
                "has_output_gate": self.output_gate,
            }
        )

    def _latent_attention(self) -> LatentAttention:
        names = (
            "q_lora_rank",
            "kv_lora_rank",
            "qk_nope_head_dim",
            "qk_rope_head_dim",
            "v_head_dim",
            "index_heads",
            "index_head_dim",
        )
        return LatentAttention.model_validate(
            {"q_heads": self.query_heads} | {name: getattr(self, name) for name in names}
        )

    def _linear_attention(self) -> GatedDeltaNet:
        return GatedDeltaNet.model_validate(
            {
                "key_heads": self.linear_key_heads,
                "value_heads": self.linear_value_heads,
                "key_head_dim": self.linear_key_head_dim,
                "value_head_dim": self.linear_value_head_dim,
                "conv_kernel": self.linear_conv_kernel,
            }
        )

    def _experts(self) -> MixtureOfExperts:
        return MixtureOfExperts.model_validate(
            {
                "experts": self.experts,
                "experts_per_token": self.experts_per_token,
                "expert_intermediate": self.expert_intermediate_size,
                "shared_intermediate": self.shared_intermediate_size,
                "first_dense_layers": self.first_dense_layers,
            }
        )


def quantization_of(precision: Precision, *, has_experts: bool) -> Quantization | None:
    """What a checkpoint of that precision usually quantizes; the checkpoint's real bytes correct the rest."""
    if precision == "fp8":
        return Quantization.model_validate({"method": "fp8", "parts": _EVERYTHING, "group": 128})
    if precision == "gptq-int4":
        parts = ("routed_experts",) if has_experts else ("attention", "mlp")
        return Quantization.model_validate({"method": "gptq", "parts": parts, "group": 128})
    if precision == "nvfp4":
        parts = ("routed_experts",) if has_experts else ("attention", "mlp")
        return Quantization.model_validate({"method": "modelopt_fp4", "parts": parts, "group": 16})
    return None


def _first_message(error: ValueError) -> str:
    return str(error).splitlines()[-2].strip() if len(str(error).splitlines()) > 1 else str(error)
