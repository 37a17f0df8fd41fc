"""A run over time, and throughput against the number of requests at once."""

from collections.abc import Sequence

from qwen_infra.benchmark import BenchmarkResult, Sweep
from qwen_infra.reports.charts.canvas import COLOURS, INK, Canvas, Chart, in_style
from qwen_infra.reports.text import show_figure, show_ms

__all__ = ["draw_concurrency", "draw_timeline"]

_TABLE_ROWS = 60


@in_style
def draw_timeline(result: BenchmarkResult) -> Chart | None:
    """Requests under way and tokens, second by second; None for a runner that kept no timeline."""
    timeline = result.timeline
    if not timeline.running:
        return None
    canvas = Canvas(height=310, axes_count=2, margins=(52, 14, 24, 40))
    upper, lower = canvas.all_axes
    seconds = range(len(timeline.running))
    edges = range(len(timeline.running) + 1)
    upper.step(
        edges,
        (*timeline.running, timeline.running[-1]),
        where="post",
        color=COLOURS[0],
        linewidth=1.8,
        label="under way",
    )
    upper.bar(
        [second + 0.5 for second in seconds],
        timeline.started,
        0.8,
        color=COLOURS[1],
        label="sent",
        hatch="////",
        edgecolor=COLOURS[1],
        fill=False,
        linewidth=0.8,
    )
    upper.set_ylabel("requests")
    canvas.figure.legend(loc="upper center", ncols=2, frameon=False)
    upper.set_ylim(0, max(*timeline.running, *timeline.started) * 1.1)
    upper.tick_params(labelbottom=False)
    lower.step(
        edges, (*timeline.output_tokens, timeline.output_tokens[-1]), where="post", color=COLOURS[2], linewidth=1.8
    )
    lower.set_ylim(bottom=0)
    lower.set_ylabel("chunks a second")
    lower.set_xlabel("seconds since the first request was sent")
    for axes in canvas.all_axes:
        axes.grid(visible=True)
        axes.locator_params(axis="y", nbins=4)
    if result.simulated:
        canvas.stamp_simulated()
    step = max(1, -(-len(timeline.running) // _TABLE_ROWS))
    rows = [
        (second, timeline.running[second], timeline.started[second], timeline.output_tokens[second])
        for second in range(0, len(timeline.running), step)
    ]
    peak, tokens = max(timeline.running), max(timeline.output_tokens)
    spoken = f"{len(timeline.running)} seconds; at most {peak} requests under way, at most {tokens} chunks in a second"
    return canvas.finish("Requests over time", spoken, ("second", "under way", "sent", "chunks"), rows)


@in_style
def draw_concurrency(sweep: Sweep) -> Chart | None:
    """Throughput and p99 TTFT of a sweep by requests at once, the knee marked; None without a step."""
    points = sweep.points
    if not points:
        return None
    canvas = Canvas(height=330, axes_count=2)
    upper, lower = canvas.all_axes
    at = [point.concurrency for point in points]
    _draw_steps(canvas, 0, at, [point.output_throughput for point in points], "tok/s")
    known = [(point.concurrency, point.p99_ttft_ms) for point in points if point.p99_ttft_ms is not None]
    _draw_steps(canvas, 1, [one for one, _ in known], [value for _, value in known], "ms")
    if sweep.knee is not None:
        for axes in canvas.all_axes:
            axes.axvline(sweep.knee, color=INK, linestyle=":", linewidth=1.2)
        is_last = sweep.knee == at[-1]
        upper.annotate(
            f"knee: {sweep.knee}",
            (sweep.knee, 0),
            (-4 if is_last else 4, 4),
            textcoords="offset points",
            ha="right" if is_last else "left",
        )
    upper.set_ylabel("output tok/s")
    lower.set_ylabel("p99 TTFT (ms)")
    upper.tick_params(labelbottom=False)
    lower.set_xscale("log", base=2)
    lower.set_xticks(at, [str(one) for one in at])
    lower.minorticks_off()
    lower.set_xlabel("requests at once (logarithmic axis)")
    if sweep.simulated:
        canvas.stamp_simulated()
    rows = [
        (
            point.concurrency,
            show_figure(point.output_throughput, "tok/s"),
            show_figure(point.tokens_per_s_per_user, "tok/s"),
            show_ms(point.p99_ttft_ms),
            show_ms(point.mean_tpot_ms),
            f"{point.success_rate:.0%}",
        )
        for point in points
    ]
    spoken = "; ".join(f"{row[0]} at once: {row[1]} tokens a second, p99 TTFT {row[3]}" for row in rows)
    columns = ("at once", "tok/s", "tok/s a user", "p99 TTFT", "mean TPOT", "answered")
    return canvas.finish("Throughput against concurrency", spoken, columns, rows)


def _draw_steps(canvas: Canvas, number: int, at: Sequence[int], values: Sequence[float], unit: str) -> None:
    axes, colour, marker = canvas.all_axes[number], COLOURS[number], "os"[number]
    axes.plot(at, values, color=colour, linewidth=1.5)
    titles = [f"{one} at once: {show_figure(value, unit)} {unit}" for one, value in zip(at, values, strict=True)]
    axes.scatter(at, values, color=colour, marker=marker, s=26, gid=canvas.mark(f"steps-{number}", titles), zorder=3)
    axes.set_ylim(0, max(values, default=1.0) * 1.12 or 1.0)
    axes.grid(visible=True)
    axes.locator_params(axis="y", nbins=4)
