"""The report as one JSON document, for machines: what the page says first of each server, and the comparison."""

from typing import Any

from qwen_infra.benchmark.slo import REGRESSION_METRICS
from qwen_infra.reports.comparison import Comparison
from qwen_infra.reports.subjects import Series
from qwen_infra.reports.view import StackView, SubjectView

__all__ = ["build_document"]


def build_document(view: StackView) -> dict[str, Any]:
    """One stack: its servers, the files that could not be read, and whether anything is simulated."""
    return {
        "stack": view.stack,
        "simulated": view.is_simulated,
        "servers": [_describe_server(subject) for subject in view.subjects],
        "unreadable": [{"file": file.name, "why": file.why} for file in view.unreadable],
        "note": view.note,
    }


def _describe_server(view: SubjectView) -> dict[str, Any]:
    subject, memory = view.subject, view.memory
    newest = view.matrix.newest if view.matrix else None
    return {
        "server": subject.name,
        "served_model": subject.served_name,
        "model": subject.plan.model_name if subject.plan else None,
        "memory": memory
        and {
            "predicted_blocks": memory.blocks,
            "actual_blocks": memory.actual.blocks if memory.actual else None,
            "deviation_percent": memory.deviation_percent,
        },
        "verification": newest
        and {
            "passed": newest.report.passed,
            "simulated": newest.report.simulated,
            "summary": newest.report.summary,
            "started_at": newest.report.started_at.isoformat(),
            "file": newest.name,
        },
        "benchmarks": [_describe_series(series) for series in subject.series],
        "sweeps": [
            {"file": run.name, "knee": run.sweep.knee, "simulated": run.sweep.simulated} for run in subject.sweeps
        ],
        "comparison": _describe_comparison(view.comparison) if view.comparison else None,
    }


def _describe_series(series: Series) -> dict[str, Any]:
    newest = series.newest
    return {
        "workload": series.workload,
        "hardware": series.hardware,
        "simulated": series.is_simulated,
        "runs": len(series.runs),
        "newest": {
            "file": newest.name,
            "started_at": newest.result.started_at.isoformat(),
            "verdict": newest.judgement.verdict if newest.judgement else None,
            **{key: newest.result.value(key) for key in REGRESSION_METRICS},
        },
        "baseline": series.baseline.name if series.baseline else None,
        "regressions": {name: [row.metric for row in rows] for name, rows in series.regressions.items()},
    }


def _describe_comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "first": comparison.first.name,
        "second": comparison.second.name,
        "comparable": comparison.is_fair,
        "changes": [
            {"key": one.key, "first": one.first, "second": one.second, "percent": one.percent, "verdict": one.verdict}
            for one in comparison.changes
        ],
    }
