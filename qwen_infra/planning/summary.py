"""What a reviewer needs to know of a plan, as plain JSON values; kept in the stack's state with the server.

A preview thereby shows it before and after, and ``qwen-infra comment`` needs nothing but the preview's JSON.
"""

from typing import Any

from qwen_infra.planning.deployment_plan import DeploymentPlan

__all__ = ["summarise_plan"]


def summarise_plan(plan: DeploymentPlan) -> dict[str, Any]:
    """Model, GPUs, memory per GPU [GiB], longest start [s] and price; no secret, nothing that changes by itself."""
    fit, server = plan.fit.to_json(), plan.server
    memory = ("requested_gib", "weights_gib", "reserve_gib", "kv_cache_gib")
    return {
        "model": plan.model_name,
        "checkpoint": f"{plan.cache.repository}@{plan.cache.revision}",
        "environment": plan.environment or "",
        "gpu": server.gpu.name,
        "gpus_per_replica": server.gpu.count,
        "replicas": server.replicas,
        "memory": {key: round(float(fit[key]), 1) for key in memory},
        "max_concurrency": round(float(fit["max_concurrency"]), 1),
        "max_num_seqs": fit["max_num_seqs"],
        "max_model_len": server.arguments.max_model_len,
        "ready_timeout_s": server.start.rollout_s,
        "price_per_gpu_hour": plan.operations.price_per_gpu_hour,
        "currency": plan.operations.currency,
    }
