"""Latencies of one run: percentiles of all four side by side, and the distribution of each."""

from collections.abc import Sequence

from matplotlib.ticker import LogLocator, NullFormatter

from qwen_infra.benchmark import BenchmarkResult
from qwen_infra.reports.charts.canvas import COLOURS, INK, MUTED, Canvas, Chart, in_style
from qwen_infra.reports.text import show_axis_ms, show_ms

__all__ = ["LATENCY_NAMES", "draw_distribution", "draw_percentiles"]

LATENCY_NAMES = {
    "ttft": "time to first token (TTFT)",
    "tpot": "time per output token (TPOT)",
    "itl": "inter-token latency (ITL)",
    "e2el": "end-to-end latency (E2EL)",
}
_MARKERS = {50: "o", 90: "s", 95: "D", 99: "^"}
_DECADE = 10.0
_FAR_APART = 20
"""Greatest over median beyond which a distribution is skewed, and drawn on a logarithmic axis."""


@in_style
def draw_percentiles(result: BenchmarkResult) -> Chart | None:
    """Median, p90, p95 and p99 of each latency on one axis; None when nothing was measured."""
    rows = [(name, [result.value(_key(rank, name)) for rank in _MARKERS]) for name in LATENCY_NAMES]
    known = [(name, values) for name, values in rows if any(value for value in values)]
    if not known:
        return None
    canvas = Canvas(margins=(42, 18, 26, 38))
    for place, (_, values) in enumerate(known):
        present = [value for value in values if value]
        canvas.axes.plot([min(present), max(present)], [place, place], color=MUTED, linewidth=1.5, zorder=1)
        canvas.axes.annotate(
            show_ms(max(present)), (max(present), place), (0, 7), textcoords="offset points", ha="center", fontsize=8
        )
    for column, (rank, marker) in enumerate(_MARKERS.items()):
        points = [(value, place) for place, (_, values) in enumerate(known) if (value := values[column])]
        titles = [f"p{rank} {known[place][0].upper()}: {show_ms(value)}" for value, place in points]
        canvas.axes.scatter(
            [value for value, _ in points],
            [place for _, place in points],
            marker=marker,
            s=32,
            color=COLOURS[column],
            label="median" if rank == 50 else f"p{rank}",
            gid=canvas.mark(f"p{rank}", titles),
            zorder=2,
        )
    present = [value for _, values in known for value in values if value]
    _scale(canvas, min(present), max(present), far_apart=_DECADE)
    canvas.axes.margins(x=0.12)
    canvas.axes.set_yticks(range(len(known)), [name.upper() for name, _ in known])
    canvas.axes.set_ylim(len(known) - 0.5, -0.6)
    canvas.axes.grid(visible=True, axis="x")
    canvas.axes.set_xlabel(f"{'logarithmic' if canvas.axes.get_xscale() == 'log' else 'linear'} axis")
    canvas.figure.legend(loc="upper center", ncols=4, frameon=False, handletextpad=0.1, columnspacing=1.0)
    _stamp(canvas, result)
    cells = [(name.upper(), *(show_ms(value) for value in values)) for name, values in known]
    spoken = "; ".join(f"{row[0]}: median {row[1]}, p99 {row[4]}" for row in cells)
    return canvas.finish(
        "Latency percentiles", spoken, ("latency", "median", *(f"p{rank}" for rank in _MARKERS if rank != 50)), cells
    )


@in_style
def draw_distribution(result: BenchmarkResult, name: str) -> Chart | None:
    """Share of requests (of gaps, for ITL) that took no longer; None when the run kept no distribution of it."""
    values = result.distributions.get(name, ())
    if len(values) < 2 or values[-1] <= 0:
        return None
    ranks = [rank * 100 / (len(values) - 1) for rank in range(len(values))]
    canvas = Canvas(height=240, margins=(42, 18, 24, 38))
    canvas.axes.plot(values, ranks, color=COLOURS[0], linewidth=1.8, drawstyle="steps-post")
    for rank, marker in ((50, "o"), (90, "s"), (99, "^")):
        _mark_rank(canvas, values, rank, marker)
    canvas.figure.legend(loc="upper center", ncols=3, frameon=False, handletextpad=0.1, columnspacing=1.0)
    is_skewed = values[-1] > _FAR_APART * values[len(values) // 2]
    _scale(canvas, values[0], values[-1], far_apart=_DECADE if is_skewed else float("inf"))
    canvas.axes.set_ylim(0, 104)
    canvas.axes.set_yticks([0, 25, 50, 75, 100], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    canvas.axes.grid(visible=True)
    canvas.axes.set_xlabel(f"{'gaps' if name == 'itl' else 'requests'} that took at most this long")
    _stamp(canvas, result)
    rows = [(f"p{rank}", show_ms(values[round(rank * (len(values) - 1) / 100)])) for rank in _TABLE_RANKS]
    spoken = ", ".join(f"{rank} {value}" for rank, value in rows)
    return canvas.finish(f"Distribution of {LATENCY_NAMES[name]}", spoken, ("percentile", "at most"), rows)


_TABLE_RANKS = (0, 10, 25, 50, 75, 90, 95, 99, 100)


def _scale(canvas: Canvas, least: float, greatest: float, *, far_apart: float) -> None:
    """Latencies along the x axis; logarithmic where the greatest is ``far_apart`` times the least."""
    axis = canvas.axes.xaxis
    if least > 0 and greatest / least >= far_apart:
        canvas.axes.set_xscale("log")
        axis.set_major_locator(LogLocator(subs=(1.0,) if greatest / least > _DECADE**2 else (1.0, 2.0, 5.0)))
        axis.set_minor_formatter(NullFormatter())
    else:
        canvas.axes.locator_params(axis="x", nbins=5)
    axis.set_major_formatter(lambda value, _: show_axis_ms(value))


def _mark_rank(canvas: Canvas, values: Sequence[float], rank: int, marker: str) -> None:
    value = values[round(rank * (len(values) - 1) / 100)]
    label = f"{'median' if rank == 50 else f'p{rank}'} {show_ms(value)}"
    canvas.axes.scatter(
        [value], [rank], marker=marker, s=30, color=INK, zorder=3, label=label, gid=canvas.mark(f"p{rank}", [label])
    )


def _key(rank: int, name: str) -> str:
    return f"median_{name}_ms" if rank == 50 else f"p{rank}_{name}_ms"


def _stamp(canvas: Canvas, result: BenchmarkResult) -> None:
    if result.simulated:
        canvas.stamp_simulated()
