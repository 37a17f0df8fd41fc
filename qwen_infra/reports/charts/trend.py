"""One figure over the runs of a series: the baseline as a line, regressions as crosses."""

from collections.abc import Sequence

from qwen_infra.benchmark import find_definition
from qwen_infra.reports.charts.canvas import COLOURS, INK, WARNING, Canvas, Chart, in_style
from qwen_infra.reports.records import BenchmarkRun
from qwen_infra.reports.subjects import Series
from qwen_infra.reports.text import show_figure, show_time

__all__ = ["TREND_LABELS", "draw_trend"]

TREND_LABELS = {
    "output_throughput": "Output throughput",
    "mean_ttft_ms": "Mean TTFT",
    "p99_ttft_ms": "p99 TTFT",
    "mean_tpot_ms": "Mean TPOT",
    "p99_tpot_ms": "p99 TPOT",
}
_TITLED = 100
"""Only the newest marks get a tooltip each: more of them would be most of the page."""
_TICKS = 5
_ROOM = 0.25
_DATES = ((330 * 86400, "%Y-%m-%d"), (86400, "%m-%d"), (3600, "%H:%M"), (0, "%H:%M:%S"))
"""How a run's moment is written, by the least spread of the runs in seconds that it suits."""


@in_style
def draw_trend(series: Series, key: str, colour: int = 0) -> Chart | None:
    """The figure of every run, oldest first; None when fewer than two runs have it."""
    runs = [(run, value) for run in series.runs if (value := run.result.value(key)) is not None]
    if len(runs) < 2:
        return None
    definition = find_definition(key)
    assert definition is not None  # keys are the report's own
    unit = definition.unit
    canvas = Canvas(height=240, margins=(52, 16, 26, 34))
    values = [value for _, value in runs]
    canvas.axes.plot(range(len(runs)), values, color=COLOURS[colour], linewidth=1.2, label="_")
    _draw_marks(canvas, series, runs, key, COLOURS[colour])
    if series.baseline is not None and (then := series.baseline.result.value(key)) is not None:
        canvas.axes.axhline(then, color=INK, linestyle="--", linewidth=1.0, label="baseline")
        values = [*values, then]
    low, high = min(values), max(values)
    room = (high - low or abs(high) or 1.0) * _ROOM
    canvas.axes.set_ylim(max(0.0, low - room), high + room)
    _label_dates(canvas, [run for run, _ in runs])
    canvas.axes.set_ylabel(unit)
    canvas.axes.grid(visible=True)
    canvas.axes.locator_params(axis="y", nbins=5)
    canvas.figure.legend(loc="upper right", ncols=3, frameon=False, handletextpad=0.3, columnspacing=1.0)
    if series.is_simulated:
        canvas.stamp_simulated()
    first, last = runs[0], runs[-1]
    spoken = (
        f"{len(runs)} runs from {show_time(first[0].result.started_at)} to {show_time(last[0].result.started_at)}; "
        f"first {show_figure(first[1], unit)}, last {show_figure(last[1], unit)} {unit}; "
        f"{_count_regressions(series, key)} worse than the baseline allows"
    )
    return canvas.finish(f"{TREND_LABELS[key]} over {len(runs)} runs", spoken, (), ())


def _draw_marks(
    canvas: Canvas, series: Series, runs: Sequence[tuple[BenchmarkRun, float]], key: str, colour: str
) -> None:
    regressed = {name for name, rows in series.regressions.items() if any(row.metric == key for row in rows)}
    definition = find_definition(key)
    unit = definition.unit if definition else ""
    crowded = len(runs) > _TITLED
    kinds = (
        (False, "o", colour, "run", 7 if crowded else 22),
        (True, "X", WARNING, "worse than the baseline allows", 44),
    )
    for is_regression, marker, ink, label, size in kinds:
        chosen = [
            (place, value, run) for place, (run, value) in enumerate(runs) if (run.name in regressed) == is_regression
        ]
        if not chosen:
            continue
        titles = [
            f"{show_time(run.result.started_at)}: {show_figure(value, unit)} {unit}"
            for _, value, run in chosen[-_TITLED:]
        ]
        older, newer = chosen[: -_TITLED or None], chosen[-_TITLED:]
        if len(chosen) > _TITLED:
            canvas.axes.scatter(
                [place for place, *_ in older], [value for _, value, _ in older], marker=marker, s=size, color=ink
            )
        canvas.axes.scatter(
            [place for place, *_ in newer],
            [value for _, value, _ in newer],
            marker=marker,
            s=size,
            color=ink,
            facecolor="none" if series.is_simulated and not is_regression else ink,
            label=label,
            gid=canvas.mark(f"marks-{label}", titles),
            zorder=3,
        )


def _count_regressions(series: Series, key: str) -> int:
    return sum(any(row.metric == key for row in rows) for rows in series.regressions.values())


def _label_dates(canvas: Canvas, runs: Sequence[BenchmarkRun]) -> None:
    """A few dates under the runs, which stand at even distances."""
    count = min(_TICKS, len(runs))
    places = sorted({round(number * (len(runs) - 1) / max(count - 1, 1)) for number in range(count)})
    days = [runs[place].result.started_at for place in places]
    spread_s = (days[-1] - days[0]).total_seconds()
    form = next(form for least_s, form in _DATES if spread_s >= least_s)
    canvas.axes.set_xticks(places, [day.strftime(form) for day in days])
    canvas.axes.set_xlim(-0.5, len(runs) - 0.5)
