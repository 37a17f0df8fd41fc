"""Models, checkpoints, GPUs and sampling presets: data files with typed access; every figure has its source.

Not here: arithmetic on them (``qwen_infra.sizing``) and the stack file (``qwen_infra.settings``).
"""

from qwen_infra.catalog.architecture import (
    Architecture,
    Attention,
    GatedDeltaNet,
    LatentAttention,
    MixtureOfExperts,
    VisionTower,
)
from qwen_infra.catalog.gpus import ArithmeticRates, Gpu
from qwen_infra.catalog.lookup import (
    UnknownGpuError,
    UnknownModelError,
    find_gpu,
    find_model,
    gpus,
    models,
    nearest_repository,
)
from qwen_infra.catalog.models import (
    Checkpoint,
    Model,
    Precision,
    Quantization,
    SamplingPreset,
    Scores,
    UnknownPrecisionError,
)
from qwen_infra.catalog.sources import Source

__all__ = [
    "Architecture",
    "ArithmeticRates",
    "Attention",
    "Checkpoint",
    "GatedDeltaNet",
    "Gpu",
    "LatentAttention",
    "MixtureOfExperts",
    "Model",
    "Precision",
    "Quantization",
    "SamplingPreset",
    "Scores",
    "Source",
    "UnknownGpuError",
    "UnknownModelError",
    "UnknownPrecisionError",
    "VisionTower",
    "find_gpu",
    "find_model",
    "gpus",
    "models",
    "nearest_repository",
]
