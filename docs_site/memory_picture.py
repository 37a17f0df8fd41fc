"""The picture of the memory arithmetic: one GPU of the reference deployment, as ``qwen-infra fit`` predicts it.

Two files, for light and for dark pages; each has a title and a description for who cannot see it.
"""

import html
import io
import re
from dataclasses import dataclass
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from qwen_infra.planning import make_plans
from qwen_infra.settings import load_stack_deployments
from qwen_infra.sizing import Fit

__all__ = ["PICTURES", "render_picture", "texts_of"]

_GIB = 2**30


@dataclass(frozen=True)
class Palette:
    """Colours of one picture; parts in the order in which they are stacked, each legible under ``ink``.

    A picture brings its ``page``: a reader may switch the site to dark while the browser is light.
    """

    ink: str
    weights: str
    reserve: str
    state: str
    cache: str
    page: str


PICTURES = {
    "docs/images/memory-light.svg": Palette("#1b1f24", "#8fb4e8", "#c9ced6", "#f2b889", "#9fd8a4", "#ffffff"),
    "docs/images/memory-dark.svg": Palette("#e8eaed", "#2f5d9e", "#5a616b", "#9a5b22", "#2f7a3a", "#1e2129"),
}
"""File to colours."""


def render_picture(root: Path, palette: Palette) -> str:
    """The picture as SVG, with its words as text."""
    [plan] = make_plans(load_stack_deployments(root, "gb200"), "gb200")
    fit = plan.fit
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "memory", "font.family": "sans-serif"}):
        figure = _draw(fit, palette)
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None})
    svg = written.getvalue()
    svg = svg[svg.index("<svg") :]
    head, _, body = svg.partition(">")
    described = f"<title>Memory of one GPU</title><desc>{html.escape(_describe(fit))}</desc>"
    trimmed = "\n".join(line.rstrip() for line in body.splitlines())
    return f'{head} role="img">{described}{trimmed}\n'


def texts_of(svg: str) -> list[str]:
    """Its words in their order: what a reader sees, however the library writes paths."""
    return re.findall(r"<(?:text|title|desc)[^>]*>([^<]+)<", svg)


def _parts(fit: Fit) -> list[tuple[str, str, float]]:
    notes = (f"TP {fit.request.tensor_parallel_size}", "activations, graphs", "GDN layers", f"{fit.num_blocks} blocks")
    names = ("weights", "reserve", "state", "cache")
    return list(zip(names, notes, fit.parts_gib.values(), strict=True))


def _draw(fit: Fit, palette: Palette) -> Figure:
    figure = Figure(figsize=(10, 2.9), layout="constrained", facecolor=palette.page)
    axes = figure.subplots()
    axes.set_facecolor(palette.page)
    left = 0.0
    for name, note, gib in _parts(fit):
        axes.barh(
            [0], [gib], left=[left], color=getattr(palette, name), edgecolor=palette.ink, linewidth=0.8, height=0.5
        )
        if gib > 20:
            axes.text(left + gib / 2, 0, f"{name}\n{gib:.1f} GiB\n{note}", ha="center", va="center", color=palette.ink)
        else:
            axes.annotate(
                f"{name} {gib:.1f} GiB\n{note}",
                (left + gib / 2, 0.25),
                (left + gib / 2 + (-14 if name == "reserve" else 14), 0.62),
                ha="center",
                color=palette.ink,
                arrowprops={"arrowstyle": "-", "color": palette.ink},
            )
        left += gib
    asked, usable = fit.requested_bytes / _GIB, fit.request.gpu.usable_memory_bytes / _GIB
    for at, text in ((asked, f"asked for: {asked:.1f}"), (usable, f"usable: {usable:.1f}")):
        axes.axvline(at, color=palette.ink, linestyle="--", linewidth=1.2)
        axes.text(at - 1, -0.52, text, ha="right", va="center", color=palette.ink)
    axes.set(xlim=(0, usable * 1.02), ylim=(-0.7, 1.0), yticks=[])
    axes.set_xlabel(f"GiB of one {fit.request.gpu.name}, predicted", color=palette.ink)
    axes.tick_params(colors=palette.ink)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(palette.ink)
    return figure


def _describe(fit: Fit) -> str:
    parts = ", ".join(f"{name} {gib:.1f} GiB ({note})" for name, note, gib in _parts(fit))
    asked, usable = fit.requested_bytes / _GIB, fit.request.gpu.usable_memory_bytes / _GIB
    return f"Stacked from left to right: {parts}; asked for {asked:.1f} of {usable:.1f} GiB usable."
