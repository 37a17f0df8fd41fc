"""A benchmark result with the reference's figures, for the tests of what is done with a result."""

from datetime import UTC, datetime
from typing import Any

from qwen_infra.benchmark import REFERENCE_FIGURES, WORKLOADS, BenchmarkResult
from qwen_infra.client import Provenance

GPU = Provenance(kind="gpu", simulated=False, hardware="NVIDIA-GB200", description="vLLM 0.32.0 on NVIDIA-GB200")
MINIATURE = Provenance(
    kind="cpu-miniature", simulated=True, hardware="cpu", description="vLLM 0.32.0 on the CPU with a miniature model"
)


def build_result(provenance: Provenance = GPU, **changes: Any) -> BenchmarkResult:
    values: dict[str, Any] = {
        **REFERENCE_FIGURES,
        "success_rate": 1.0,
        "date": "20261123-230000",
        "model_id": "qwen3.5",
        "num_prompts": 32,
        "burstiness": 1.0,
        "max_concurrency": None,
        "started_at": datetime.now(UTC),
        "workload": WORKLOADS["reference"],
        "prompts": "ids 256 to 247295 of a vocabulary of 248320",
        "reached_by": "port-forward",
        "provenance": provenance,
        "simulated": provenance.simulated,
    }
    return BenchmarkResult.model_validate(values | changes)
