"""A model that the catalogue does not have, described in the stack file or derived from the Hub's files.

Not here: reading the Hub (``hub.py``) and the stack file (``qwen_infra.settings``).
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, PositiveInt
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

    name: str
    repository: str
    kind: ArchitectureKind
    precision: Precision = "bf16"
    layers: PositiveInt | None = None
    hidden_size: PositiveInt | None = None
    vocabulary_size: PositiveInt | None = None
    context_tokens: PositiveInt | None = None
    checkpoint_bytes: PositiveInt | None = None
    query_heads: PositiveInt | None = None
    kv_heads: PositiveInt | None = None
    head_dim: PositiveInt | None = None
    intermediate_size: PositiveInt | None = None
    experts: PositiveInt | None = None
    experts_per_token: PositiveInt | None = None
    expert_intermediate_size: PositiveInt | None = None
    shared_intermediate_size: int = 0
    first_dense_layers: int = 0
    kv_lora_rank: PositiveInt | None = None
    q_lora_rank: PositiveInt | None = None
    qk_nope_head_dim: PositiveInt | None = None
    qk_rope_head_dim: PositiveInt | None = None
    v_head_dim: PositiveInt | None = None
    index_heads: PositiveInt | None = None
    index_head_dim: PositiveInt | None = None
    linear_key_heads: PositiveInt | None = None
    linear_value_heads: PositiveInt | None = None
    linear_key_head_dim: PositiveInt = 128
    linear_value_head_dim: PositiveInt = 128
    linear_conv_kernel: PositiveInt = 4
    full_attention_interval: PositiveInt | None = None
    tied_embeddings: bool = False
    output_gate: bool = False
    mtp_layers: int = 0
    default_thinking: bool = False
    reasoning_parser: str | None = None
    tool_call_parser: str | None = None
    licence: str = "unknown"

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
