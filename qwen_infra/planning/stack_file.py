"""A complete stack file for a recommended choice: plain data, which the settings accept as it stands.

Not here: ranking (``qwen_infra.sizing.recommend``) and writing (``qwen_infra.cli``).
"""

from typing import Any

from qwen_infra.catalog import Gpu
from qwen_infra.sizing import Choice

__all__ = ["build_stack_file"]

_CPU_PER_GPU = 4
_MEMORY_GIB_PER_GPU = 50
_SHARED_MEMORY_GIB_PER_GPU = 16
"""The reference deployment's requests (16 CPUs, 200Gi, 64Gi of /dev/shm for 4 GPUs), by GPU; limits are twice them."""
_SHARE_OF_NODE = 0.8
"""Of a node's memory, at most this much goes to servers, so that system pods find room."""

_CACHE_OF = {"gpu": {"kind": "hostPath", "path": "/var/lib/qwen-infra/models"}, "cpu": {"kind": "pvc"}}
"""A GPU node's own disk; a laptop's cluster has a StorageClass, and its nodes are containers that go away."""


def build_stack_file(choice: Choice, cluster_identifier: str) -> dict[str, Any]:
    """The document of ``Pulumi.<stack>.yaml`` that deploys the choice, with every default that matters spelled out."""
    request = choice.fit.request
    server: dict[str, Any] = {
        "gpu": request.gpu.name,
        "tensorParallelSize": request.tensor_parallel_size,
        "replicas": choice.replicas,
        "maxModelLen": request.max_model_len,
        "gpuMemoryUtilization": request.gpu_memory_utilization,
    }
    if request.long_context:
        server["longContext"] = True
    if request.text_only:
        server["textOnly"] = True
    if request.replicates_vision:
        server["encoderDataParallel"] = True
    if request.gpu.kind == "gpu":
        server["resources"] = _resources(request.gpu, request.tensor_parallel_size)
    cache = _CACHE_OF[request.gpu.kind]
    keys = {
        "cluster": {"identifier": cluster_identifier},
        "model": {"name": request.model.name, "precision": request.precision},
        "cache": dict(cache),
        "server": server,
        "verification": {"level": "smoke"},
        "benchmark": {"workload": "reference" if request.gpu.kind == "gpu" else "smoke"},
    }
    return {"config": {f"qwen-infra:{key}": value for key, value in keys.items()}}


def _resources(gpu: Gpu, gpus: int) -> dict[str, str]:
    """CPU and memory by GPU; limits stay within the GPUs' share of a node."""
    share_gib = int(gpu.node_memory_gib * _SHARE_OF_NODE) * gpus // gpu.gpus_per_node
    share_cpu = max(1, gpu.node_cpu * gpus // gpu.gpus_per_node)
    limit_gib = min(2 * _MEMORY_GIB_PER_GPU * gpus, share_gib)
    return {
        "cpuRequest": str(min(_CPU_PER_GPU * gpus, share_cpu)),
        "cpuLimit": str(min(2 * _CPU_PER_GPU * gpus, share_cpu)),
        "memoryRequest": f"{min(_MEMORY_GIB_PER_GPU * gpus, limit_gib)}Gi",
        "memoryLimit": f"{limit_gib}Gi",
        "sharedMemory": f"{min(_SHARED_MEMORY_GIB_PER_GPU * gpus, limit_gib // 4)}Gi",
    }
