"""The work of ``BenchmarkCheck``: the load by this program or by a Job, the verdict, the result on disk, the table."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qwen_infra.benchmark import (
    REFERENCE_FIGURES,
    BenchmarkOptions,
    BenchmarkResult,
    DeploymentFacts,
    SloJudgement,
    find_baseline,
    render_benchmark_table,
    render_slo_table,
    run_benchmark,
    write_result,
)
from qwen_infra.benchmark.bench_serve import build_job_result, parse_log
from qwen_infra.benchmark.gate import Gate, build_gate
from qwen_infra.benchmark.server_side import ServerWatch
from qwen_infra.checks.hardware import read_cluster_facts
from qwen_infra.checks.outcome import CheckOutcome, Report
from qwen_infra.checks.progress import show
from qwen_infra.checks.results import find_results_folder
from qwen_infra.checks.target import CheckTarget
from qwen_infra.client import InferenceClient, derive_provenance, fetch_server_facts
from qwen_infra.cluster.job import run_job
from qwen_infra.errors import ConfigurationError, QwenInfraError
from qwen_infra.settings import BenchmarkSettings

__all__ = ["measure"]


def measure(inputs: Mapping[str, Any], target: CheckTarget, report: Report) -> CheckOutcome:
    """Make the load that ``options.settings`` asks for and judge it; with ``onFailure: warn`` it never fails.

    Raises:
        QwenInfraError: the server or its key could not be reached, or the workload does not fit the server.
    """
    options = inputs["options"]
    gate = build_gate(BenchmarkSettings.model_validate_json(options["settings"]))
    assert gate is not None  # the check exists only when it is on
    try:
        return _measure(gate, options, target, report, urn=str(inputs["urn"]))
    except QwenInfraError as error:
        if gate.on_failure != "warn":
            raise
        return CheckOutcome(passed=True, summary=f"warning: benchmark failed: {error}", details={"warned": True})


def _measure(gate: Gate, options: Mapping[str, Any], target: CheckTarget, report: Report, *, urn: str) -> CheckOutcome:
    root, stack = find_results_folder(), str(options["stack"])
    run = _run_job if gate.runner == "job" else _run_here
    result = asyncio.run(run(gate, options, target, report))
    try:
        baseline = _find_baseline(gate, result, root, stack)
    except ConfigurationError:  # the run itself is worth keeping
        show(urn, render_benchmark_table(result))
        write_result(result, root=root, stack=stack, kind="benchmark")
        raise
    judgement = gate.judge(result, baseline)
    show(urn, _render(result, judgement))
    path = _keep(result, judgement, root, stack)
    passed = judgement.passed and result.all_answered
    summary = f"{result.summary}; {judgement.reason}"
    is_warned = not passed and gate.on_failure == "warn"
    return CheckOutcome(
        passed=passed or is_warned,
        summary=f"warning: {summary}" if is_warned else summary,
        made_with=result.provenance.description,
        details={
            "simulated": result.simulated,
            "result": path.name,
            "warned": is_warned,
            **_figures(result),
            **({"baseline": _figures(baseline)} if baseline else {}),
        },
    )


def _find_baseline(gate: Gate, result: BenchmarkResult, root: Path, stack: str) -> BenchmarkResult | None:
    """The run to compare with; where nothing depends on it, one that cannot be read is none."""
    try:
        return find_baseline(result, root=root, stack=stack)
    except ConfigurationError:
        if gate.regression:
            raise
        return None


async def _run_here(gate: Gate, options: Mapping[str, Any], target: CheckTarget, report: Report) -> BenchmarkResult:
    cluster = read_cluster_facts(target)
    with target.open() as endpoint:
        return await run_benchmark(
            endpoint,
            gate.workload,
            vocabulary_size=int(options["vocabulary_size"]),
            progress=report,
            options=BenchmarkOptions(
                reached_by=target.reached_by,
                cluster=cluster,
                deployment=DeploymentFacts.model_validate_json(options["deployment"]),
                percentiles=gate.percentiles,
                deadline_s=float(options["timeout_s"]),
            ),
        )


async def _run_job(gate: Gate, options: Mapping[str, Any], target: CheckTarget, report: Report) -> BenchmarkResult:
    """The Job makes the load; what the server is and what its metrics say is asked from here."""
    cluster = read_cluster_facts(target)
    manifest = json.loads(options["job"])
    timeout_s = float(manifest["spec"]["activeDeadlineSeconds"])
    with target.open() as endpoint:
        async with InferenceClient(endpoint) as client:
            facts = await fetch_server_facts(client)
            async with ServerWatch(client) as watch:
                log = await asyncio.to_thread(run_job, target.kubectl, manifest, timeout_s=timeout_s, report=report)
    return build_job_result(
        parse_log(log),
        gate.workload,
        model=endpoint.model,
        provenance=derive_provenance(facts, model=endpoint.model, cluster=cluster),
        deployment=DeploymentFacts.model_validate_json(options["deployment"]),
        server=watch.result,
    )


def _keep(result: BenchmarkResult, judgement: SloJudgement, root: Path, stack: str) -> Path:
    document = {**result.model_dump(mode="json"), "slos": judgement.model_dump(mode="json")}
    return write_result(document, root=root, stack=stack, kind="benchmark")


def _render(result: BenchmarkResult, judgement: SloJudgement) -> str:
    reference = REFERENCE_FIGURES if result.workload.name == "reference" else None
    parts = [render_benchmark_table(result, reference=reference), render_slo_table(judgement)]
    return "\n".join([*(part for part in parts if part), f"SLOs: {judgement.reason}"])


def _figures(result: BenchmarkResult) -> dict[str, Any]:
    """The figures of the reference's table, in vLLM's key names, rounded to what a state should keep."""
    values = result.model_dump(mode="json")
    found = {key: values[key] for key in REFERENCE_FIGURES if values.get(key) is not None}
    return {key: round(value, 2) if isinstance(value, float) else value for key, value in found.items()}
