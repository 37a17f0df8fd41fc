"""The work of ``BenchmarkCheck``: the workload against the target, the SLOs, the result on disk, the table."""

import asyncio
from collections.abc import Mapping
from typing import Any

from qwen_infra.benchmark import (
    REFERENCE_FIGURES,
    WORKLOADS,
    BenchmarkOptions,
    BenchmarkResult,
    SloJudgement,
    judge_slos,
    parse_slos,
    render_benchmark_table,
    run_benchmark,
    write_result,
)
from qwen_infra.checks.hardware import read_cluster_facts
from qwen_infra.checks.outcome import CheckOutcome, Report
from qwen_infra.checks.progress import show
from qwen_infra.checks.results import find_results_folder
from qwen_infra.checks.target import CheckTarget

__all__ = ["measure"]


def measure(inputs: Mapping[str, Any], target: CheckTarget, report: Report) -> CheckOutcome:
    """Run ``options.workload`` within ``options.timeout_s`` and judge ``options.slos``.

    Raises:
        QwenInfraError: the server or its key could not be reached, or the workload does not fit the server.
    """
    options = inputs["options"]
    result = asyncio.run(_run(options, target, report))
    judgement = _judge(result, options.get("slos") or {})
    document = {**result.model_dump(mode="json"), "slos": judgement.model_dump(mode="json")}
    path = write_result(document, root=find_results_folder(), stack=str(options["stack"]), kind="benchmark")
    reference = REFERENCE_FIGURES if result.workload.name == "reference" else None
    show(str(inputs["urn"]), f"{render_benchmark_table(result, reference=reference)}\nSLOs: {judgement.reason}")
    return CheckOutcome(
        passed=judgement.passed and result.completed == result.num_prompts,
        summary=f"{result.summary}; {judgement.reason}",
        made_with=result.provenance.description,
        details={"simulated": result.simulated, "result": path.name, **_figures(result)},
    )


async def _run(options: Mapping[str, Any], target: CheckTarget, report: Report) -> BenchmarkResult:
    cluster = read_cluster_facts(target)
    with target.open() as endpoint:
        return await run_benchmark(
            endpoint,
            WORKLOADS[str(options["workload"])],
            vocabulary_size=int(options["vocabulary_size"]),
            progress=report,
            options=BenchmarkOptions(
                reached_by=target.reached_by, cluster=cluster, deadline_s=float(options["timeout_s"])
            ),
        )


def _judge(result: BenchmarkResult, slos: Mapping[str, Any]) -> SloJudgement:
    return judge_slos(result, parse_slos(slos.get("limits", {}), hardware=str(slos.get("hardware", ""))))


def _figures(result: BenchmarkResult) -> dict[str, Any]:
    """The figures of the reference's table, in vLLM's key names, rounded to what a state should keep."""
    values = result.model_dump(mode="json")
    found = {key: values[key] for key in REFERENCE_FIGURES if values.get(key) is not None}
    return {key: round(value, 2) if isinstance(value, float) else value for key, value in found.items()}
