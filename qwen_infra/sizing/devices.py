"""What differs between a GPU and the processor in vLLM's arithmetic of memory; one entry a kind.

Source for the processor: vLLM 0.32, ``platforms/cpu.py`` (``check_and_update_config``), ``v1/attention/backends/
cpu_attn.py``, ``engine/arg_utils.py`` (defaults), and two starts of Qwen3.5-0.8B's shape with random weights on two
cores (docs/sizing.md, "On the processor").
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from qwen_infra.catalog import Architecture, Gpu
from qwen_infra.sizing.reserve import Reserve, Workload, estimate_reserve

__all__ = ["POD_SHARED_GIB", "DeviceRules", "find_rules"]

_GIB = 2**30

POD_SHARED_GIB = 1
"""/dev/shm of a server on the processor, for messages between vLLM's processes only: one rank exchanges no tensors."""
PROCESSES_BYTES = int(2.1 * _GIB)
"""API server, engine and worker: 5.14 GiB measured, less cache (1.0), weights (1.60) and output matrix (0.47)."""
VISION_BYTES = int(0.2 * _GIB)
"""Image processor and buffers of the tower: measured 0.15 GiB more."""
STEP_BYTES = int(0.35 * _GIB)
"""Measured 0.28 to 0.30 GiB more under a prompt of 2000 tokens and 8 requests at once."""
BYTES_PER_LOGIT = 14
"""As on a GPU: logits, float32 copy, probabilities, noise (``reserve.SAMPLER_BYTES_PER_LOGIT_BEYOND``)."""


@dataclass(frozen=True, slots=True)
class DeviceRules:
    """One kind of device.

    Args:
        context_bytes: taken before vLLM looks at the free memory, and not charged to it.
        free_bytes: what should stay outside vLLM's share.
        block_tokens: ``--block-size`` when it is not given.
        kernel_block_tokens: blocks are a multiple of it.
        unit: whose memory it is, in words.
        estimate_reserve: memory that is neither weights nor cache.
    """

    context_bytes: int
    free_bytes: int
    block_tokens: int
    kernel_block_tokens: int
    unit: str
    estimate_reserve: Callable[[Architecture, Workload], Reserve]


def find_rules(gpu: Gpu) -> DeviceRules:
    """The rules of a catalogue entry."""
    return _RULES[gpu.kind]


def _reserve_on_processor(architecture: Architecture, workload: Workload) -> Reserve:
    """Memory of the container that is neither weights nor cache.

    Formula: processes + V·H·2 (the output matrix in the kernels' own order, beside the tied embedding) + step.
    Accuracy: 0.10 to 0.25 GiB over the measured peak of 0.8B, text only and with its vision tower.
    """
    table_bytes = 2 * architecture.vocabulary_size * architecture.hidden
    has_vision = architecture.vision is not None and workload.profiles_vision
    logits = architecture.vocabulary_size * min(workload.max_num_seqs, workload.max_num_batched_tokens)
    return Reserve(
        activation_bytes=STEP_BYTES + BYTES_PER_LOGIT * logits,
        cuda_graph_bytes=0,
        non_torch_bytes=PROCESSES_BYTES + table_bytes + (VISION_BYTES if has_vision else 0),
    )


_RULES: Mapping[str, DeviceRules] = {
    "gpu": DeviceRules(
        context_bytes=int(0.51 * _GIB),  # the CUDA context, measured on an H200
        free_bytes=int(0.7 * _GIB),  # real use is about 0.6 GiB above utilization x usable (measured)
        block_tokens=16,
        kernel_block_tokens=16,  # the smallest of FlashAttention, FlashInfer and Triton
        unit="per GPU",
        estimate_reserve=estimate_reserve,
    ),
    "cpu": DeviceRules(
        context_bytes=0,
        free_bytes=0,
        block_tokens=128,
        kernel_block_tokens=32,
        unit="of the pod",
        estimate_reserve=_reserve_on_processor,
    ),
}
