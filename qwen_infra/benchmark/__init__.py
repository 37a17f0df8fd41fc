"""Measuring how fast a deployment answers: workloads, load, figures, SLOs, the result and its history.

No Pulumi and no cluster here: the dynamic provider in ``checks`` brings the URL and the key.
"""

from qwen_infra.benchmark.baseline import Baseline, find_baseline, list_baselines, set_baseline
from qwen_infra.benchmark.capacity import Capacity, derive_capacity
from qwen_infra.benchmark.definitions import DEFINITIONS, LATENCIES, Definition, find_definition, read_rank
from qwen_infra.benchmark.exports import (
    FORMATS,
    export_csv,
    export_result,
    to_benchmark_report,
    to_row,
    to_vllm,
)
from qwen_infra.benchmark.figures import Figures
from qwen_infra.benchmark.history import (
    find_latest,
    find_result,
    list_results,
    list_stacks,
    read_benchmark,
    read_result,
    validate_result,
    write_result,
)
from qwen_infra.benchmark.presets import WORKLOADS, build_workload, find_preset
from qwen_infra.benchmark.reference import REFERENCE_FIGURES, REFERENCE_HARDWARE, REFERENCE_TITLE
from qwen_infra.benchmark.result import BenchmarkResult, DeploymentFacts, ReachedBy
from qwen_infra.benchmark.runner import BenchmarkOptions, run_benchmark
from qwen_infra.benchmark.slo import Slo, SloJudgement, SloRow, SloSet, judge_slos, parse_slos
from qwen_infra.benchmark.sweep import Sweep, run_sweep
from qwen_infra.benchmark.table import render_benchmark_table, render_slo_table
from qwen_infra.benchmark.workload import Workload

__all__ = [
    "DEFINITIONS",
    "FORMATS",
    "LATENCIES",
    "REFERENCE_FIGURES",
    "REFERENCE_HARDWARE",
    "REFERENCE_TITLE",
    "WORKLOADS",
    "Baseline",
    "BenchmarkOptions",
    "BenchmarkResult",
    "Capacity",
    "Definition",
    "DeploymentFacts",
    "Figures",
    "ReachedBy",
    "Slo",
    "SloJudgement",
    "SloRow",
    "SloSet",
    "Sweep",
    "Workload",
    "build_workload",
    "derive_capacity",
    "export_csv",
    "export_result",
    "find_baseline",
    "find_definition",
    "find_latest",
    "find_preset",
    "find_result",
    "judge_slos",
    "list_baselines",
    "list_results",
    "list_stacks",
    "parse_slos",
    "read_benchmark",
    "read_rank",
    "read_result",
    "render_benchmark_table",
    "render_slo_table",
    "run_benchmark",
    "run_sweep",
    "set_baseline",
    "to_benchmark_report",
    "to_row",
    "to_vllm",
    "validate_result",
    "write_result",
]
