"""What the page shows of each server, chosen and drawn: the templates only print it."""

from collections.abc import Sequence
from dataclasses import dataclass

from qwen_infra.benchmark import REFERENCE_FIGURES, Definition, find_definition
from qwen_infra.benchmark.slo import Regression
from qwen_infra.planning import DeploymentPlan
from qwen_infra.reports.charts import (
    Chart,
    draw_concurrency,
    draw_distribution,
    draw_memory,
    draw_percentiles,
    draw_timeline,
    draw_trend,
)
from qwen_infra.reports.charts.latency import LATENCY_NAMES
from qwen_infra.reports.charts.trend import TREND_LABELS
from qwen_infra.reports.comparison import Comparison, choose_comparison
from qwen_infra.reports.facts import Fact, list_facts
from qwen_infra.reports.matrix import Matrix, build_matrix
from qwen_infra.reports.memory import MemoryFit, describe_memory
from qwen_infra.reports.records import BenchmarkRun, StackRecords, SweepRun, Unreadable
from qwen_infra.reports.subjects import Series, Subject, list_subjects

__all__ = ["FigureRow", "SeriesView", "StackView", "SubjectView", "view_stack"]

_SHOWN_SERIES = 4
"""Loads of a server that are drawn; the others stand in the table of all runs."""
_SHOWN_SWEEPS = 2
_FIGURES = (
    "completed",
    "failed",
    "duration",
    "total_input_tokens",
    "total_output_tokens",
    "request_throughput",
    "output_throughput",
    "total_token_throughput",
    "request_goodput",
    "max_output_tokens_per_s",
    "max_concurrent_requests",
    "mean_concurrent_requests",
    "cached_prompt_share",
    "server_queue_ms",
    "server_ttft_ms",
    "server_tpot_ms",
    "server_preemptions",
    "server_prefix_hit_rate",
    "server_peak_kv_usage",
    "server_peak_waiting",
)
_STATISTICS = ("mean", "median", "p90", "p95", "p99")


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A figure of the newest run beside the baseline's and, for the reference workload, the reference's."""

    key: str
    definition: Definition
    value: float | None
    baseline: float | None
    reference: float | None


@dataclass(frozen=True, slots=True)
class SeriesView:
    """One load: its newest run in numbers and pictures, and its history."""

    series: Series
    figures: tuple[FigureRow, ...]
    latencies: tuple[tuple[str, Definition, tuple[float | None, ...]], ...]
    has_reference: bool
    latency_charts: tuple[Chart, ...]
    timeline: Chart | None
    trends: tuple[Chart, ...]

    @property
    def statistics(self) -> tuple[str, ...]:
        return _STATISTICS


@dataclass(frozen=True, slots=True)
class SubjectView:
    """One server."""

    anchor: str
    subject: Subject
    facts: tuple[Fact, ...]
    memory: MemoryFit | None
    memory_chart: Chart | None
    matrix: Matrix | None
    series: tuple[SeriesView, ...]
    sweeps: tuple[tuple[SweepRun, Chart], ...]
    comparison: Comparison | None
    runs: tuple[tuple[BenchmarkRun, Series], ...]


@dataclass(frozen=True, slots=True)
class StackView:
    """One stack; ``note`` says what of its stack file could not be used."""

    stack: str
    subjects: tuple[SubjectView, ...]
    unreadable: tuple[Unreadable, ...]
    note: str | None
    regression: Regression

    @property
    def is_simulated(self) -> bool:
        return any(view.subject.is_simulated for view in self.subjects)


def view_stack(
    records: StackRecords,
    plans: Sequence[DeploymentPlan],
    *,
    regression: Regression,
    comparison: Comparison | None = None,
    note: str | None = None,
) -> StackView:
    """Everything of one stack.

    Args:
        records: what is kept.
        plans: of the stack file; empty where there is none.
        regression: what counts as worse than the baseline.
        comparison: that was asked for; without it each server's newest run is compared with its baseline.
        note: for the reader, about the stack file.
    """
    subjects = list_subjects(records, plans, regression)
    views = tuple(
        _view_subject(subject, f"{records.stack}-{number}", comparison)
        for number, subject in enumerate(subjects, start=1)
    )
    return StackView(records.stack, views, records.unreadable, note, regression)


def _view_subject(subject: Subject, anchor: str, asked: Comparison | None) -> SubjectView:
    memory = describe_memory(subject)
    own = asked if asked is not None and asked.second in subject.benchmarks else None
    sweeps = [
        (run, chart) for run in reversed(subject.sweeps[-_SHOWN_SWEEPS:]) if (chart := draw_concurrency(run.sweep))
    ]
    runs = [(run, series) for series in subject.series for run in series.runs]
    return SubjectView(
        anchor=anchor,
        subject=subject,
        facts=list_facts(subject),
        memory=memory,
        memory_chart=draw_memory(memory) if memory else None,
        matrix=build_matrix(subject.verifications),
        series=tuple(_view_series(series) for series in subject.series[:_SHOWN_SERIES]),
        sweeps=tuple(sweeps),
        comparison=own if asked is not None else choose_comparison(subject),
        runs=tuple(sorted(runs, key=lambda pair: pair[0].result.started_at, reverse=True)),
    )


def _view_series(series: Series) -> SeriesView:
    result = series.newest.result
    has_reference = result.workload.name == "reference"
    drawn = [draw_percentiles(result), *(draw_distribution(result, name) for name in LATENCY_NAMES)]
    trends = [draw_trend(series, key, place % 4) for place, key in enumerate(TREND_LABELS)]
    return SeriesView(
        series=series,
        figures=tuple(row for key in _FIGURES if (row := _row(series, key)) is not None),
        latencies=tuple(_latency_rows(series)),
        has_reference=has_reference,
        latency_charts=tuple(chart for chart in drawn if chart is not None),
        timeline=draw_timeline(result),
        trends=tuple(chart for chart in trends if chart is not None),
    )


def _row(series: Series, key: str) -> FigureRow | None:
    definition, value = find_definition(key), series.newest.result.value(key)
    if definition is None or value is None:
        return None
    is_compared = series.baseline is not None and series.baseline is not series.newest
    baseline = series.baseline.result.value(key) if is_compared and series.baseline else None
    is_reference = series.workload == "reference"
    return FigureRow(key, definition, value, baseline, REFERENCE_FIGURES.get(key) if is_reference else None)


def _latency_rows(series: Series) -> list[tuple[str, Definition, tuple[float | None, ...]]]:
    rows = []
    for name in ("ttft", "ttft_reasoning", "ttft_content", "tpot", "itl", "e2el", "queue"):
        values = tuple(series.newest.result.value(f"{statistic}_{name}_ms") for statistic in _STATISTICS)
        definition = find_definition(f"mean_{name}_ms")
        if definition is not None and any(value is not None for value in values):
            rows.append((name, definition, values))
    return rows
