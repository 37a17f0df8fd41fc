"""Which tensor parallel sizes a model can be cut into, and the reason why another is not.

Not here: whether the pieces fit in memory (``fit.py``).

Source: the checks of vLLM 0.32's layer classes (``ColumnParallelLinear``, ``RowParallelLinear``, ``QKVParallelLinear``,
``fp8_utils.validate_fp8_block_shape``, ``gptq_marlin``, ``FusedMoE``), called for every Qwen3.5 model and size.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from qwen_infra.catalog import Architecture, Checkpoint, Model

__all__ = ["TENSOR_PARALLEL_SIZES", "Cut", "explain_invalid_cut", "list_tensor_parallel_sizes"]

TENSOR_PARALLEL_SIZES = (1, 2, 4, 8, 16, 32)
"""The sizes that are tried; nodes have 4 or 8 GPUs, and key/value heads come in powers of two."""

_WNA16_SMALLEST_GROUP = 32


@dataclass(frozen=True, slots=True)
class Cut:
    """How a model is spread over GPUs.

    Args:
        loads_vision: False with ``--language-model-only``.
        shards_vision: False with ``--mm-encoder-tp-mode data``.
    """

    tensor_parallel_size: int
    data_parallel_size: int = 1
    is_expert_parallel: bool = False
    loads_vision: bool = True
    shards_vision: bool = True

    @property
    def expert_shards(self) -> int:
        """Pieces of one expert: with expert parallelism experts stay whole, else TP x DP."""
        return 1 if self.is_expert_parallel else self.tensor_parallel_size * self.data_parallel_size


@lru_cache(maxsize=512)
def list_tensor_parallel_sizes(model: Model, precision: str) -> tuple[int, ...]:
    """The valid sizes without data or expert parallelism; the vision tower, which need not be cut, is no obstacle."""
    checkpoint = model.checkpoint(precision)
    return tuple(
        size
        for size in TENSOR_PARALLEL_SIZES
        if explain_invalid_cut(model, checkpoint, Cut(size, shards_vision=False)) is None
    )


@lru_cache(maxsize=4096)
def _explain(model: Model, precision: str, cut: Cut) -> str | None:
    checkpoint = model.checkpoint(precision)
    return next(_list_obstacles(model.architecture, checkpoint, cut), None)


def explain_invalid_cut(model: Model, checkpoint: Checkpoint, cut: Cut) -> str | None:
    """The first reason why the model cannot be cut like that, as a sentence with its numbers; None when it can."""
    return _explain(model, checkpoint.precision, cut)


def _list_obstacles(architecture: Architecture, checkpoint: Checkpoint, cut: Cut) -> Iterator[str]:
    size = cut.tensor_parallel_size
    yield from _list_head_obstacles(architecture, cut)
    for label, width, parts in _list_widths(architecture, cut):
        if width % parts:
            yield f"{label} of {width} cannot be divided by {parts}"
    if checkpoint.quantization is not None and checkpoint.quantization.method == "fp8":
        yield from _list_fp8_obstacles(architecture, checkpoint, cut)
    if architecture.moe is not None and checkpoint.quantization is not None:
        yield from _list_expert_obstacles(architecture.moe.expert_intermediate, checkpoint, cut)
    vision = architecture.vision
    if vision is not None and cut.loads_vision and cut.shards_vision and vision.heads % size:
        yield (
            f"{vision.heads} vision heads cannot be divided by {size}; "
            "`--mm-encoder-tp-mode data` or text-only would avoid it"
        )


def _list_head_obstacles(architecture: Architecture, cut: Cut) -> Iterator[str]:
    size = cut.tensor_parallel_size
    if architecture.query_heads % size:
        yield f"{architecture.query_heads} query heads cannot be divided by {size}"
    if architecture.attention is not None:
        heads = architecture.attention.kv_heads
        if heads % size and size % heads:
            yield f"{heads} key/value heads can be neither divided by {size} nor replicated evenly"
    net = architecture.linear_attention
    if net is not None:
        for label, heads in (("key", net.key_heads), ("value", net.value_heads)):
            if heads % size:
                yield f"{heads} GDN {label} heads cannot be divided by {size}"


def _list_widths(architecture: Architecture, cut: Cut) -> Iterator[tuple[str, int, int]]:
    """Feed-forward widths and into how many parts each is cut."""
    if architecture.intermediate is not None:
        yield "a feed-forward width", architecture.intermediate, cut.tensor_parallel_size
    if architecture.moe is not None:
        yield "an expert width", architecture.moe.expert_intermediate, cut.expert_shards
        if architecture.moe.shared_intermediate:
            yield "a shared expert width", architecture.moe.shared_intermediate, cut.tensor_parallel_size


def _list_fp8_obstacles(architecture: Architecture, checkpoint: Checkpoint, cut: Cut) -> Iterator[str]:
    """Inputs of row-parallel layers must stay whole 128-blocks (``validate_fp8_block_shape``)."""
    assert checkpoint.quantization is not None  # the caller looked
    block = checkpoint.quantization.group
    rows = list(_list_widths(architecture, cut))
    if architecture.attention is not None:
        width = architecture.attention.q_heads * architecture.attention.head_dim
        rows.append(("an attention output width", width, cut.tensor_parallel_size))
    net = architecture.linear_attention
    if net is not None:
        rows.append(("a GDN output width", net.value_heads * net.value_head_dim, cut.tensor_parallel_size))
    for label, width, parts in rows:
        if parts > 1 and width % parts == 0 and (width // parts) % block:
            yield f"{label} of {width} cut into {parts} leaves {width // parts}, no multiple of the FP8 block {block}"


def _list_expert_obstacles(width: int, checkpoint: Checkpoint, cut: Cut) -> Iterator[str]:
    """GPTQ experts need groups of 32 (WNA16) at least; NVFP4 ones multiples of 128 (read, not run)."""
    assert checkpoint.quantization is not None  # the caller looked
    piece = width // cut.expert_shards
    if checkpoint.quantization.method == "gptq" and piece % _WNA16_SMALLEST_GROUP:
        yield f"an expert width of {width} cut into {cut.expert_shards} leaves {piece}, not a multiple of 32 (GPTQ)"
    if checkpoint.quantization.method == "modelopt_fp4" and cut.expert_shards > 1 and piece % 128:
        yield f"an expert width of {width} cut into {cut.expert_shards} leaves {piece}, not a multiple of 128 (NVFP4)"
