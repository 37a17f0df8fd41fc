"""How a planned benchmark is run, as plain values for the inputs of ``BenchmarkCheck``; pure.

Nested values are JSON texts: Pulumi would turn their integers into floats and drop what is unset.
"""

import json
from typing import Any

from qwen_infra.benchmark.bench_serve import JOB_SCRIPT, bench_serve_arguments
from qwen_infra.benchmark.gate import Gate
from qwen_infra.benchmark.result import DeploymentFacts
from qwen_infra.manifests import build_benchmark_job, decide_names
from qwen_infra.planning import DeploymentPlan

__all__ = ["build_benchmark_options"]

JOB_START_S = 300
"""Time for the Job's image and for the import of vLLM, beside the load itself."""


def build_benchmark_options(plan: DeploymentPlan, gate: Gate, *, stack: str) -> dict[str, Any]:
    """Everything that the check needs to run and judge; no credential among it."""
    settings = plan.benchmark
    options: dict[str, Any] = {
        "settings": settings.model_dump_json(by_alias=True, exclude_none=True),
        "timeout_s": settings.timeout_minutes * 60,
        "vocabulary_size": plan.vocabulary_size,
        "deployment": _describe(plan, stack).model_dump_json(exclude_none=True),
        "stack": stack,
    }
    if gate.runner == "job":
        options["job"] = json.dumps(_build_job(plan, gate))
    return options


def _describe(plan: DeploymentPlan, stack: str) -> DeploymentFacts:
    server = plan.server
    return DeploymentFacts(
        stack=stack,
        server=server.name,
        image=server.image,
        arguments=" ".join(server.arguments.command()),
        model=plan.model_name,
        precision=plan.fit.request.precision,
        revision=f"{plan.cache.repository}@{plan.cache.revision}",
        gpu=server.gpu.name,
        gpus=server.gpu.count or None,  # a server on processors has none
        replicas=server.replicas,
    )


def _build_job(plan: DeploymentPlan, gate: Gate) -> dict[str, Any]:
    names, workload = decide_names(plan), gate.workload
    seeds = " ".join(str(workload.seed + number) for number in range(workload.repeats))
    service = names.own_service if plan.server.rollout.is_gated else names.service
    arguments = bench_serve_arguments(
        workload,
        base_url=f"http://{service}.{names.namespace}.svc:{plan.endpoint.port}",
        model=plan.server.arguments.served_model_name,
        tokenizer=plan.cache.mount_path,
        percentiles=gate.percentiles,
    )
    command = ["/bin/sh", "-c", JOB_SCRIPT, "bench", seeds, *arguments]
    timeout_s = plan.benchmark.timeout_minutes * 60 * workload.repeats + JOB_START_S
    return build_benchmark_job(plan, names, command, timeout_s=timeout_s)
