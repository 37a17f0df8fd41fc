"""A model of the catalogue: architecture, checkpoints, context lengths, parsers, sampling presets, scores and advice.

Not here: the entries (``data/models/*.json``), finding one (``lookup.py``), memory (``qwen_infra.sizing``).
"""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, PositiveInt, model_validator

from qwen_infra.catalog.architecture import Architecture
from qwen_infra.catalog.sources import Source
from qwen_infra.errors import ConfigurationError

__all__ = [
    "Checkpoint",
    "Model",
    "Precision",
    "Quantization",
    "SamplingPreset",
    "Scores",
    "UnknownPrecisionError",
]

Precision = Literal["bf16", "fp8", "gptq-int4", "nvfp4"]

WeightPart = Literal["attention", "linear_attention", "mlp", "shared_experts", "routed_experts", "mtp"]


class UnknownPrecisionError(ConfigurationError):
    """The model has no checkpoint of that precision."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Quantization(_Entry):
    """Which weights of a checkpoint are stored in fewer bits, and how; everything else in it is BF16."""

    method: Literal["fp8", "gptq", "modelopt_fp4"]
    parts: tuple[WeightPart, ...]
    group: PositiveInt
    """Weights that share one scale: a 128×128 block (fp8), 128 in a row (GPTQ), 16 in a row (NVFP4)."""


class Checkpoint(_Entry):
    """One downloadable set of weights."""

    precision: Precision
    repository: str
    bytes: PositiveInt
    """All tensors together, MTP and vision included [B]; files add headers of a few MB."""
    quantization: Quantization | None = None
    kv_cache_dtype: Literal["auto", "fp8"] = "auto"
    """What the checkpoint's own quantization file asks for."""
    official: bool = True
    source: Source


class SamplingPreset(_Entry):
    """Recommended sampling for one mode; ``min_p`` 0 and ``repetition_penalty`` 1 everywhere."""

    mode: str
    temperature: float
    top_p: float
    top_k: int
    presence_penalty: float
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    source: Source


class Scores(_Entry):
    """The reference deployment's scores (section 2 of it); None where it gives none."""

    overall: float | None = None
    coding_humaneval: float | None = None
    agent_bfcl_v4_percent: float | None = None
    chinese: float | None = None


class Model(_Entry):
    """One size of a family, or one base variant of it."""

    name: str
    family: str
    tier: Literal["light", "middle", "flagship"]
    is_base: bool = False
    """A pre-trained model without instruction tuning: no thinking, no tools, never recommended."""
    released: str | None = None
    licence: str
    architecture: Architecture
    total_parameters: PositiveInt
    native_context_tokens: PositiveInt
    max_context_tokens: PositiveInt
    """With YaRN; equal to ``native_context_tokens`` where no extension is documented."""
    default_thinking: bool
    """Whether a request without ``enable_thinking`` thinks. Where it does not (0.8B, 2B) the reasoning parser needs
    ``--default-chat-template-kwargs '{"enable_thinking": false}'``, or plain answers land in ``reasoning``."""
    reasoning_parser: str | None
    tool_call_parser: str | None
    minimum_vllm_version: str
    modalities: tuple[Literal["text", "image", "video"], ...]
    sampling: tuple[SamplingPreset, ...] = ()
    scores: Scores = Scores()
    advice: str | None = None
    checkpoints: tuple[Checkpoint, ...]
    sources: dict[str, Source]
    """Field name to its source; fields that are decisions (``tier``) or names have none."""

    @model_validator(mode="after")
    def _check_entry(self) -> Self:
        if self.max_context_tokens < self.native_context_tokens:
            msg = f"{self.name}: max_context_tokens is below native_context_tokens"
            raise ValueError(msg)
        precisions = self.precisions
        if len(set(precisions)) != len(precisions):
            msg = f"{self.name}: a precision appears twice"
            raise ValueError(msg)
        return self

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """The precisions that have a checkpoint, in the order of the data."""
        return tuple(checkpoint.precision for checkpoint in self.checkpoints)

    def checkpoint(self, precision: str) -> Checkpoint:
        """The checkpoint of a precision.

        Raises:
            UnknownPrecisionError: the model has none; names those it has.
        """
        for checkpoint in self.checkpoints:
            if checkpoint.precision == precision.lower():
                return checkpoint
        raise UnknownPrecisionError(
            f"{self.name} has no {precision} checkpoint",
            where="qwen-infra:model.precision",
            found=precision,
            expected=" or ".join(self.precisions),
            mend=f"pulumi config set --path qwen-infra:model.precision {self.precisions[0]}",
        )

    def sampling_preset(self, mode: str) -> SamplingPreset | None:
        """The preset of a mode (``thinking``, ``thinking-coding``, ``instruct``, …), or None."""
        return next((preset for preset in self.sampling if preset.mode == mode), None)
