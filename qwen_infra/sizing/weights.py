"""Bytes of weights: of a whole checkpoint, and of what one GPU loads of it under TP, PP, DP and EP.

Not here: the list of tensors (``tensors.py``); memory that is not weights (``kv_cache.py``, ``reserve.py``).
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

from qwen_infra.catalog import Architecture, Checkpoint, Model, Quantization
from qwen_infra.sizing.tensors import Placement, Tensor, list_tensors

__all__ = [
    "LOADED_BUFFERS_BYTES",
    "PipelineStage",
    "WeightLoading",
    "count_checkpoint_bytes",
    "count_weight_bytes",
    "list_pipeline_stages",
]

LOADED_BUFFERS_BYTES = int(0.20 * 2**30)
"""What vLLM counts as weights beyond the checkpoint's tensors: rotary tables, workspaces, allocator rounding.

Measured on one H200 with vLLM 0.24: 0.16 GiB over the tensors for 4B BF16, 0.12 for 27B BF16, 0.20 for 27B FP8.
"""

_BF16_BYTES = 2
_FP8_BLOCK = 128


@dataclass(frozen=True, slots=True)
class WeightLoading:
    """What decides which part of a checkpoint one GPU holds.

    Args:
        loads_vision: False with ``--language-model-only``.
        shards_vision: False with ``--mm-encoder-tp-mode data``: each rank holds the whole tower.
        loads_mtp: True with speculative decoding only; vLLM leaves the MTP layer out otherwise.
        expert_shards: GPUs that share the routed experts: TP x DP, with and without expert parallelism.
    """

    tensor_parallel_size: int = 1
    expert_shards: int = 1
    is_expert_parallel: bool = False
    loads_vision: bool = True
    shards_vision: bool = True
    loads_mtp: bool = False


@dataclass(frozen=True, slots=True)
class PipelineStage:
    """Layers of one pipeline stage by kind; the first holds embedding and vision, the last the head and MTP."""

    full_layers: int
    linear_layers: int
    dense_layers: int
    expert_layers: int
    is_first: bool
    is_last: bool

    def count(self, placement: Placement) -> int:
        """How many layers of this stage have a tensor of that placement."""
        return {
            "first": int(self.is_first),
            "last": int(self.is_last),
            "mtp": int(self.is_last),
            "every_layer": self.full_layers + self.linear_layers,
            "full_layer": self.full_layers,
            "linear_layer": self.linear_layers,
            "dense_layer": self.dense_layers,
            "expert_layer": self.expert_layers,
        }[placement]


@lru_cache(maxsize=512)
def list_pipeline_stages(model: Model, pipeline_parallel_size: int) -> tuple[PipelineStage, ...]:
    """The stages as vLLM cuts them.

    A remainder goes to the layers before the last stage, one each (``vllm/distributed/utils.py``, ``get_pp_indices``).
    """
    architecture = model.architecture
    sizes = [architecture.layers // pipeline_parallel_size] * pipeline_parallel_size
    for index in range(2, architecture.layers % pipeline_parallel_size + 2):
        sizes[-index] += 1
    dense_until = architecture.layers if architecture.moe is None else architecture.moe.first_dense_layers
    stages, start = [], 0
    for rank, size in enumerate(sizes):
        end = start + size
        interval = architecture.full_attention_interval
        full = end // interval - start // interval
        dense = max(0, min(end, dense_until) - start)
        is_last = rank == pipeline_parallel_size - 1
        stages.append(PipelineStage(full, size - full, dense, size - dense, rank == 0, is_last))
        start = end
    return tuple(stages)


def count_checkpoint_bytes(architecture: Architecture, quantization: Quantization | None) -> int:
    """Bytes of all tensors of a checkpoint, as the safetensors headers add up to [B]."""
    whole = WeightLoading(loads_mtp=True)
    dense_until = architecture.layers if architecture.moe is None else architecture.moe.first_dense_layers
    stage = PipelineStage(
        architecture.full_attention_layers,
        architecture.linear_attention_layers,
        dense_until,
        architecture.layers - dense_until,
        is_first=True,
        is_last=True,
    )
    return round(
        sum(
            _sharded_bytes(tensor, quantization, whole, architecture) * stage.count(tensor.placement)
            for tensor in list_tensors(architecture)
        )
    )


def count_weight_bytes(model: Model, checkpoint: Checkpoint, loading: WeightLoading, stage: PipelineStage) -> int:
    """Bytes of weights on one GPU of a pipeline stage, vLLM's own buffers included [B].

    Formula: sum over tensors of bytes(precision) x layers on the stage / shards of the tensor
    Shards: TP for rows, columns and vocabulary; TP but at most the number of KV heads for key and value projections;
    TP x DP for routed experts; 1 for norms, routers and gates.
    Accuracy: 0 to +0.08 GiB on the three measured models (H200, TP 1); TP above 1 computed, not measured.
    """
    per_layer = _bytes_by_placement(model, checkpoint.precision, loading)
    total = sum(size * stage.count(placement) for placement, size in per_layer.items())
    return LOADED_BUFFERS_BYTES + round(total)


@lru_cache(maxsize=4096)
def _bytes_by_placement(model: Model, precision: str, loading: WeightLoading) -> dict[Placement, float]:
    quantization = model.checkpoint(precision).quantization
    totals: dict[Placement, float] = {}
    for tensor in list_tensors(model.architecture):
        if (tensor.part == "vision" and not loading.loads_vision) or (
            tensor.placement == "mtp" and not loading.loads_mtp
        ):
            continue
        size = _sharded_bytes(tensor, quantization, loading, model.architecture)
        totals[tensor.placement] = totals.get(tensor.placement, 0) + size
    if model.architecture.latent_attention is not None:
        totals["full_layer"] += _absorbed_projection_bytes(model.architecture) / loading.tensor_parallel_size
    unexplained = _unexplained_bytes(model, precision) / model.architecture.layers
    totals["every_layer"] += unexplained / loading.tensor_parallel_size
    return totals


def _unexplained_bytes(model: Model, precision: str) -> int:
    """What the checkpoint holds beyond its architecture; 0 for every model of the catalogue.

    A custom model may have tensors, or parts that are not quantized, that its ``config.json`` does not tell of.
    """
    checkpoint = model.checkpoint(precision)
    return max(0, checkpoint.bytes - count_checkpoint_bytes(model.architecture, checkpoint.quantization))


def _absorbed_projection_bytes(architecture: Architecture) -> int:
    """BF16 copies of MLA's decompression that vLLM keeps per layer (``mla_attention.py``: ``W_UV`` and ``W_UK_T``)."""
    latent = architecture.latent_attention
    assert latent is not None  # the caller looked
    return latent.kv_lora_rank * latent.q_heads * (latent.qk_nope_head_dim + latent.v_head_dim) * _BF16_BYTES


def _sharded_bytes(
    tensor: Tensor, quantization: Quantization | None, loading: WeightLoading, architecture: Architecture
) -> float:
    return _tensor_bytes(tensor, quantization) * _share(tensor, loading, architecture)


def _share(tensor: Tensor, loading: WeightLoading, architecture: Architecture) -> float:
    """The part of a tensor that one GPU holds; above 1 / TP where heads are replicated."""
    if tensor.sharding == "replicated" or (tensor.part == "vision" and not loading.shards_vision):
        return 1.0
    if tensor.sharding == "kv_heads" and architecture.attention is not None:
        heads = architecture.attention.kv_heads
        return max(1, heads // loading.tensor_parallel_size) / heads
    if tensor.sharding == "experts" and architecture.moe is not None:
        if not loading.is_expert_parallel:
            return 1 / loading.expert_shards
        return ceil(architecture.moe.experts / loading.expert_shards) / architecture.moe.experts
    return 1 / loading.tensor_parallel_size


def _tensor_bytes(tensor: Tensor, quantization: Quantization | None) -> float:
    """Bytes of all ``count`` matrices of one layer.

    fp8: 1 byte and a BF16 scale per 128 x 128 block. GPTQ: half a byte, an F16 scale and a 4-bit zero point per group
    and column, an I32 group index per row. NVFP4: half a byte and an FP8 scale per group.
    Source: dtype totals of the safetensors headers, which these reproduce exactly (NVFP4: no header was seen).
    """
    if tensor.is_float32:
        return 4.0 * tensor.parameters
    if quantization is None or not tensor.is_quantizable or tensor.part not in quantization.parts:
        return float(_BF16_BYTES * tensor.parameters)
    if quantization.method == "fp8":
        blocks = ceil(tensor.inputs / _FP8_BLOCK) * ceil(tensor.outputs / _FP8_BLOCK)
        return float(tensor.parameters + _BF16_BYTES * blocks * tensor.count)
    if quantization.method == "gptq":
        groups = tensor.inputs / quantization.group
        columns = tensor.outputs * (2 + 0.5) * groups
        return tensor.parameters / 2 + (columns + 4 * tensor.inputs) * tensor.count
    return tensor.parameters / 2 + tensor.parameters / quantization.group
