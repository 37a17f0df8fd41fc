"""How long a server may take from its container's start to Ready, and every timeout that follows from that number.

Not here: setting the timeouts (``qwen_infra.manifests``, ``components``, ``checks``).
"""

from dataclasses import dataclass
from math import ceil
from typing import Literal

from qwen_infra.catalog import Architecture

__all__ = ["STORAGE_BYTES_PER_S", "CacheKind", "StartupBudget", "StartupFacts", "estimate_startup"]

CacheKind = Literal["hostPath", "pvc", "existingClaim"]

STORAGE_BYTES_PER_S: dict[CacheKind, float] = {"hostPath": 1.0e9, "pvc": 0.4e9, "existingClaim": 0.4e9}
"""Assumed reading speed [B/s]: a local NVMe disk read by one process, and network storage. Deliberately low; give the
measured value where it is known. Not measured."""

IMPORT_S = 100.0
"""Start of the process, imports, initialization: 64 to 97 s in the H200 measurements (imports alone 45 to 60)."""
COMPILE_BASE_S = 10.0
COMPILE_S_PER_LAYER = 0.5
"""torch.compile on a cold cache: measured 25 s (32 layers) and 42 s (64)."""
COMPILE_FACTORS = {"fp8": 2.5, "vision": 1.6, "moe": 1.25, "mtp": 1.5}
"""Measured: FP8 105 s against 42, vision 66 against 42, 35B-A3B 36 where 40 dense layers take 30. MTP: assumed."""
GRAPH_S_PER_LAYER = 0.16
GRAPH_S_PER_EXPERT_LAYER = 0.36
"""CUDA graphs: measured 4 s (32 layers), 10 (64, FP8), 14 (40, experts)."""
COPY_BYTES_PER_S = 8.0e9
"""Host to GPU and repacking of quantized weights, per GPU. Not measured."""
MULTI_GPU_S = 30.0
"""Collectives of several GPUs. Not measured."""
MARGIN = 1.5
MARGIN_S = 60.0
"""Machines differ: slower processors and a first request that compiles kernels."""
IMAGE_PULL_S = 600.0
"""A vLLM image (about 10 GB) that the node does not have yet."""


@dataclass(frozen=True, slots=True)
class StartupFacts:
    """What the budget is computed from.

    Args:
        checkpoint_bytes: all files, read once by each node [B].
        weight_bytes: weights on one GPU [B].
        storage_bytes_per_s: reading speed of the cache; None for the assumed one of its kind.
    """

    checkpoint_bytes: int
    weight_bytes: int
    gpus: int = 1
    is_fp8: bool = False
    loads_vision: bool = True
    mtp_tokens: int = 0
    cache_kind: CacheKind = "hostPath"
    storage_bytes_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class StartupBudget:
    """Seconds from the container's start to Ready by part, margin included in the total."""

    read_s: float
    load_s: float
    initialize_s: float
    compile_s: float
    graphs_s: float
    margin_s: float

    @property
    def total_s(self) -> int:
        """The one number, rounded up to 10 s. Download and image pull are not in it."""
        return ceil(sum(self.parts_s.values()) / 10) * 10

    @property
    def parts_s(self) -> dict[str, float]:
        """The parts by name; they add up to the total before it is rounded."""
        return {
            "read": self.read_s,
            "load": self.load_s,
            "initialize": self.initialize_s,
            "compile": self.compile_s,
            "cuda_graphs": self.graphs_s,
            "margin": self.margin_s,
        }

    @property
    def rollout_timeout_s(self) -> int:
        """``progressDeadlineSeconds`` and the wait of the checks: with the image pull."""
        return self.total_s + round(IMAGE_PULL_S)


def estimate_startup(architecture: Architecture, facts: StartupFacts) -> StartupBudget:
    """The budget for a cold compile cache.

    Formula: (bytes / storage + bytes per GPU / copy + initialization + compile + graphs) · 1.5 + 60 s
    Accuracy: above every start on the measured H200 (64 to 205 s, weights not read from a disk there).
    """
    speed = facts.storage_bytes_per_s or STORAGE_BYTES_PER_S[facts.cache_kind]
    read_s = facts.checkpoint_bytes / speed
    load_s = facts.weight_bytes / COPY_BYTES_PER_S
    initialize_s = IMPORT_S + (MULTI_GPU_S if facts.gpus > 1 else 0.0)
    compile_s = COMPILE_BASE_S + COMPILE_S_PER_LAYER * architecture.layers
    applies = {
        "fp8": facts.is_fp8,
        "vision": facts.loads_vision and architecture.vision is not None,
        "moe": architecture.moe is not None,
        "mtp": facts.mtp_tokens > 0,
    }
    for name, is_so in applies.items():
        compile_s *= COMPILE_FACTORS[name] if is_so else 1.0
    per_layer = GRAPH_S_PER_LAYER if architecture.moe is None else GRAPH_S_PER_EXPERT_LAYER
    graphs_s = per_layer * architecture.layers
    work_s = read_s + load_s + initialize_s + compile_s + graphs_s
    return StartupBudget(read_s, load_s, initialize_s, compile_s, graphs_s, (MARGIN - 1) * work_s + MARGIN_S)
