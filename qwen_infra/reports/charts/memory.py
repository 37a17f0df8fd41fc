"""Memory of one GPU: the prediction and the running server as stacked bars against what the GPU has."""

from qwen_infra.reports.charts.canvas import COLOURS, GRID, INK, MUTED, SURFACE, WARNING, Canvas, Chart, in_style
from qwen_infra.reports.memory import MemoryFit

__all__ = ["draw_memory"]

_HATCHES = {"weights": "", "reserve": "....", "GDN state": "xxxx", "KV cache": "////", "weights and reserve": "...."}
_COLOURS = {
    "weights": COLOURS[0],
    "reserve": MUTED,
    "GDN state": COLOURS[3],
    "KV cache": COLOURS[2],
    "weights and reserve": COLOURS[0],
}


@in_style
def draw_memory(memory: MemoryFit) -> Chart:
    """Predicted parts, and below them what the server says of its cache, where a verification read it."""
    bars = {"predicted": memory.parts_gib}
    if memory.actual is not None:
        bars["actual"] = {
            "weights and reserve": memory.actual.rest_gib,
            "KV cache": memory.actual.kv_cache_gib,
        }
    canvas = Canvas(height=140 + 44 * len(bars), margins=(50, 16, 46, 38))
    longest = max(memory.usable_gib, *(sum(parts.values()) for parts in bars.values()))
    shown: dict[str, None] = {}
    for place, parts in enumerate(bars.values()):
        start = 0.0
        for part, size in parts.items():
            label = None if part in shown else part
            shown[part] = None
            _draw_part(canvas, place, start, size, part, label)
            if size >= longest / 10:
                canvas.axes.text(
                    start + size / 2, place, f"{size:.1f}", ha="center", va="center",
                    bbox={"facecolor": SURFACE, "edgecolor": "none", "pad": 1.5},
                )  # fmt: skip
            start += size
    canvas.axes.axvline(memory.share_gib, color=INK, linestyle="--", linewidth=1.2, label="vLLM's share")
    canvas.axes.axvline(memory.usable_gib, color=WARNING, linewidth=1.6, label="the GPU's memory")
    canvas.axes.set_yticks(range(len(bars)), list(bars))
    canvas.axes.set_ylim(len(bars) - 0.5, -0.5)
    canvas.axes.set_xlim(0, longest * 1.04)
    canvas.axes.set_xlabel(f"GiB of one {memory.gpu}")
    canvas.axes.grid(visible=True, axis="x", color=GRID)
    canvas.axes.set_axisbelow(True)
    canvas.figure.legend(loc="upper center", ncols=3, frameon=False, columnspacing=1.2, handletextpad=0.4)
    rows = [(f"{bar}: {part}", f"{size:.1f}") for bar, parts in bars.items() for part, size in parts.items()]
    rows += [("vLLM's share", f"{memory.share_gib:.1f}"), ("the GPU's memory", f"{memory.usable_gib:.1f}")]
    spoken = ", ".join(f"{name} {size} GiB" for name, size in rows)
    against = "predicted against actual" if memory.actual else "predicted"
    return canvas.finish(f"Memory of one GPU, {against}", spoken, ("part", "GiB"), rows)


def _draw_part(canvas: Canvas, place: int, start: float, size: float, part: str, label: str | None) -> None:
    canvas.axes.barh(
        place,
        size,
        left=start,
        height=0.62,
        color=_COLOURS[part],
        edgecolor=SURFACE,
        hatch=_HATCHES[part],
        linewidth=1.0,
        label=label,
    )
