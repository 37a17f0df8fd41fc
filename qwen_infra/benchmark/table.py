"""The reference's table as plain text of at most 80 columns, with the reference's figures beside it on request.

The heading says what the figures were measured on. No colours here.
"""

import textwrap
from collections.abc import Mapping

from qwen_infra.benchmark.reference import REFERENCE_TITLE
from qwen_infra.benchmark.result import BenchmarkResult
from qwen_infra.benchmark.slo import SloJudgement

__all__ = ["render_benchmark_table", "render_slo_table"]

_WIDTH = 80
_LABEL_WIDTH = 36
_COLUMN_WIDTH = 21

# Order and words of `vllm bench serve` 0.32, which are the reference's; (key, label, decimals).
_ROWS: tuple[tuple[str, str, int], ...] = (
    ("completed", "Successful requests", 0),
    ("failed", "Failed requests", 0),
    ("unfinished", "Unfinished requests", 0),
    ("max_concurrency", "Maximum request concurrency", 0),
    ("request_rate", "Request rate configured (req/s)", 2),
    ("duration", "Benchmark duration (s)", 2),
    ("total_input_tokens", "Total input tokens", 0),
    ("total_output_tokens", "Total generated tokens", 0),
    ("request_throughput", "Request throughput (req/s)", 2),
    ("output_throughput", "Output throughput (tok/s)", 2),
    ("max_output_tokens_per_s", "Peak output throughput (tok/s)", 2),
    ("max_concurrent_requests", "Peak concurrent requests", 0),
    ("total_token_throughput", "Total token throughput (tok/s)", 2),
    ("request_goodput", "Request goodput (req/s)", 2),
)
_LATENCY_ROWS = tuple(
    (f"{statistic}_{name}_ms", f"{statistic.capitalize()} {name.upper()} (ms)", 2)
    for name in ("ttft", "tpot", "itl")
    for statistic in ("mean", "median", "p99")
)


def render_benchmark_table(result: BenchmarkResult, *, reference: Mapping[str, float] | None = None) -> str:
    """The figures as a table.

    Args:
        result: what was measured.
        reference: figures to show in a second column, such as ``REFERENCE_FIGURES``.

    Returns:
        Lines of at most 80 columns, without a line end after the last.
    """
    rule = "-" * _WIDTH
    lines = [*_render_heading(result), rule, _render_titles(result, reference), rule]
    values = result.model_dump(mode="json")
    for key, label, decimals in (*_ROWS, *_LATENCY_ROWS):
        if _is_left_out(key, values):
            continue
        cells = [_format(values.get(key), decimals)]
        if reference is not None:
            cells.append(_format(reference.get(key), decimals))
        lines.append(_lay_out(label, cells))
    lines.append(rule)
    for note in _collect_notes(result):
        lines += textwrap.wrap(note, _WIDTH)
    return "\n".join(lines).rstrip("\n")


def render_slo_table(judgement: SloJudgement) -> str:
    """Metric, limit, value and baseline of every SLO; empty when there is none."""
    if not judgement.rows:
        return ""
    lines = [f"{'SLO':<30}{'limit':>13}{'value':>12}{'baseline':>12}  verdict"]
    for row in judgement.rows:
        sign = "<=" if row.bound == "max" else ">="
        verdict = {None: "not judged", True: "met", False: "MISSED"}[row.met]
        name = f"{row.metric}{' (change)' if row.kind == 'regression' else ''}"
        cells = f"{f'{sign} {row.limit:.5g}':>13}{_shorten(row.value):>12}{_shorten(row.baseline):>12}"
        lines.append(f"{name:<30}{cells}  {verdict}")
    return "\n".join(lines)


def _shorten(value: float | None) -> str:
    return "-" if value is None else f"{value:.5g}"


def _render_heading(result: BenchmarkResult) -> list[str]:
    heading = f"Benchmark {result.workload.name} of {result.model_id}: {result.provenance.description}"
    return textwrap.wrap(heading, _WIDTH)


def _render_titles(result: BenchmarkResult, reference: Mapping[str, float] | None) -> str:
    titles = [result.provenance.kind if result.provenance.kind != "gpu" else result.provenance.hardware]
    if reference is not None:
        titles.append(REFERENCE_TITLE)
    return _lay_out("", titles)


def _lay_out(label: str, cells: list[str]) -> str:
    return (f"{label:<{_LABEL_WIDTH}}" + "".join(f"{cell[:_COLUMN_WIDTH]:>{_COLUMN_WIDTH}}" for cell in cells)).rstrip()


def _format(value: object, decimals: int) -> str:
    if value is None:
        return "-"
    if isinstance(value, int | float):
        return f"{value:.{decimals}f}"
    return str(value)


def _is_left_out(key: str, values: Mapping[str, object]) -> bool:
    if key in {"max_concurrency", "request_goodput"} or "_ttft_" in key.removesuffix("_ttft_ms"):
        return values.get(key) is None
    return key == "unfinished" and not values[key]


def _collect_notes(result: BenchmarkResult) -> list[str]:
    notes = []
    if result.simulated:
        notes.append(
            f"These figures do not come from a GPU ({result.provenance.description}) and say nothing about one."
        )
    if result.partial:
        notes.append(f"Partial: {result.partial_because}.")
    notes += [f"Failed, {kind}: {count} ({result.error_examples[kind]})" for kind, count in result.errors.items()]
    notes += [f"Note: {note}." for note in result.notes]
    notes.append(f"Prompts: {result.prompts}. Reached by: {result.reached_by}. Seed {result.workload.seed}.")
    return notes
