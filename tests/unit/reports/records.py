"""Made-up records for the tests of the report: results as the checks keep them, without a server."""

from datetime import UTC, datetime, timedelta
from typing import Any

from qwen_infra.benchmark import Baseline, BenchmarkResult, DeploymentFacts, Sweep
from qwen_infra.benchmark.sweep import SweepPoint
from qwen_infra.benchmark.timeline import Timeline
from qwen_infra.client import Provenance
from qwen_infra.reports.records import BenchmarkRun, StackRecords, SweepRun, VerificationRun
from qwen_infra.verification import CaseResult, VerificationReport
from tests.unit.benchmark.sample_result import GPU, MINIATURE, build_result

__all__ = ["GPU", "MINIATURE", "build_benchmark", "build_case", "build_records", "build_sweep", "build_verification"]

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
LARGE = DeploymentFacts(
    stack="gb200",
    server="vllm-qwen35-397b",
    image="vllm/vllm-openai:v0.32.0",
    arguments="vllm serve /models --tensor-parallel-size 4",
    model="Qwen3.5-397B-A17B",
    precision="gptq-int4",
    revision="Qwen/Qwen3.5-397B-A17B-GPTQ-Int4@main",
    gpu="GB200",
    gpus=4,
    replicas=1,
)


def build_benchmark(number: int, provenance: Provenance = GPU, **changes: Any) -> BenchmarkRun:
    """Run ``number`` of a series, an hour after the one before, with a distribution and a timeline."""
    spread = tuple(300 + 4 * rank for rank in range(101))
    values: dict[str, Any] = {
        "deployment": LARGE,
        "started_at": START + timedelta(hours=number),
        "timeline": Timeline(running=(3, 5, 2), output_tokens=(30, 50, 20), started=(3, 2, 0)),
        "distributions": dict.fromkeys(("ttft", "tpot", "itl", "e2el"), spread),
    }
    result: BenchmarkResult = build_result(provenance, **(values | changes))
    return BenchmarkRun(f"benchmark-{number:04}.json", result)


def build_case(name: str = "models-listed", status: Any = "passed", **changes: Any) -> CaseResult:
    values = {"duration_s": 0.1, "detail": "as expected", "proves": "something", "family": "models"}
    return CaseResult.model_validate({"id": name, "status": status} | values | changes)


def build_verification(
    number: int, *cases: CaseResult, provenance: Provenance = GPU, server: str | None = LARGE.server
) -> VerificationRun:
    """Run ``number``, an hour after the one before."""
    found = cases or (build_case(),)
    report = VerificationReport(
        passed=not any(case.status == "failed" for case in found) and any(case.status == "passed" for case in found),
        simulated=provenance.simulated,
        suite_version="2",
        level="full",
        model="qwen3.5",
        url="http://127.0.0.1:8000",
        started_at=START + timedelta(hours=number),
        duration_s=1.5,
        provenance=provenance,
        cases=found,
        server=server,
    )
    return VerificationRun(f"verification-{number:04}.json", report)


def build_sweep(provenance: Provenance = GPU) -> SweepRun:
    """Four steps that level off."""
    points = tuple(
        SweepPoint(
            concurrency=at,
            output_throughput=rate,
            tokens_per_s_per_user=rate / at,
            p99_ttft_ms=100.0 * at,
            mean_tpot_ms=20.0 + at,
            success_rate=1.0,
            partial=False,
        )
        for at, rate in ((1, 50.0), (2, 95.0), (4, 150.0), (8, 155.0))
    )
    sweep = Sweep(
        points=points,
        knee=4,
        stopped_because="8 at once brought 3.3% more throughput than 4",
        simulated=provenance.simulated,
        made_with=provenance.description,
        results=(build_benchmark(0, provenance).result,),
    )
    return SweepRun("sweep-0001.json", sweep)


def build_records(*benchmarks: BenchmarkRun, baseline: BenchmarkRun | None = None, **more: Any) -> StackRecords:
    """Records of the stack gb200."""
    marked: tuple[Baseline, ...] = ()
    if baseline is not None:
        result = baseline.result
        marked = (
            Baseline(
                model=result.model_id,
                workload=result.workload.name,
                hardware=result.provenance.hardware,
                result=baseline.name,
                server=result.deployment.server,
            ),
        )
    return StackRecords(stack="gb200", benchmarks=benchmarks, baselines=marked, **more)
