"""Weights, cache, state, reserve, fit, concurrency, start-up budget, physical limits: pure arithmetic on the catalogue.

Not here: figures (``qwen_infra.catalog``), reading settings or files, and anything that touches a cluster.
"""

from qwen_infra.sizing.fit import Fit, fit_model
from qwen_infra.sizing.limits import PhysicalLimit, Traffic, count_active_parameters, estimate_limit
from qwen_infra.sizing.parallelism import list_tensor_parallel_sizes
from qwen_infra.sizing.recommend import PURPOSES, Choice, RecommendRequest, UnknownPurposeError, recommend
from qwen_infra.sizing.remedies import (
    Remedy,
    describe_misfit,
    find_minimum_tensor_parallel_size,
    find_remedies,
)
from qwen_infra.sizing.request import (
    ContextTooLongError,
    FitRequest,
    InvalidNumberError,
    InvalidParallelismError,
    UnsupportedPrecisionError,
)
from qwen_infra.sizing.reserve import Reserve
from qwen_infra.sizing.startup import CacheKind, StartupBudget

__all__ = [
    "PURPOSES",
    "CacheKind",
    "Choice",
    "ContextTooLongError",
    "Fit",
    "FitRequest",
    "InvalidNumberError",
    "InvalidParallelismError",
    "PhysicalLimit",
    "RecommendRequest",
    "Remedy",
    "Reserve",
    "StartupBudget",
    "Traffic",
    "UnknownPurposeError",
    "UnsupportedPrecisionError",
    "count_active_parameters",
    "describe_misfit",
    "estimate_limit",
    "find_minimum_tensor_parallel_size",
    "find_remedies",
    "fit_model",
    "list_tensor_parallel_sizes",
    "recommend",
]
