"""The answer of ``qwen-infra fit`` as a picture: memory per GPU as stacked bars against what the GPU has.

The first bar is the configuration that was asked about, the others are what could be had instead: the changes that
would fit, or the other tensor parallel sizes. matplotlib is imported when a picture is written (ADR 0020).
"""

import html
import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from qwen_infra.errors import ConfigurationError
from qwen_infra.sizing import Fit, fit_model

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from qwen_infra.cli.fit_question import Answer
    from qwen_infra.sizing import Remedy

__all__ = ["FORMATS", "Bar", "list_bars", "write_chart"]

FORMATS = (".html", ".png", ".svg")
_GIB = 2**30
_COLOURS = {"weights": "#4c72b0", "reserve": "#8c8c8c", "GDN state": "#dd8452", "KV cache": "#55a868"}
_INCHES_PER_BAR = 0.6


@dataclass(frozen=True)
class Bar:
    """One configuration: its label, and its parts in the order in which they are stacked [GiB]."""

    label: str
    parts: dict[str, float]
    fits: bool


def write_chart(answer: "Answer", path: Path) -> None:
    """Write the picture in the format that the name ends with.

    Raises:
        ConfigurationError: the name ends otherwise.
    """
    if path.suffix.lower() not in FORMATS:
        raise ConfigurationError(
            "the picture's format is not known",
            where="--plot",
            found=path.name,
            expected=" or ".join(FORMATS),
            mend=f"--plot {path.stem}.svg",
        )
    figure = _draw(answer)
    if path.suffix.lower() == ".html":
        path.write_text(_page(answer, _as_svg(figure)), "utf-8")
    else:
        figure.savefig(path, dpi=150)


def list_bars(answer: "Answer") -> list[Bar]:
    """The bars from top to bottom."""
    asked = answer.fit
    bars = [_bar("as asked", asked)]
    bars += [_bar(_name(remedy), remedy.fit) for remedy in answer.remedies]
    if asked.fits:
        others = [size for size in asked.valid_tensor_parallel_sizes if size != asked.request.tensor_parallel_size]
        for size in others:
            fit = fit_model(replace(asked.request, tensor_parallel_size=size, replicates_vision=True))
            bars.append(_bar(f"TP {size}", fit))
    return bars


def _name(remedy: "Remedy") -> str:
    """The keys without their path: ``maxModelLen: 130048``."""
    return ", ".join(f"{key.rpartition('.')[2]}: {value}" for key, value in remedy.settings)


def _bar(label: str, fit: Fit) -> Bar:
    carried = f"{fit.max_concurrency:.1f} requests" if fit.fits else "does not fit"
    return Bar(f"{label}\n{carried}", fit.parts_gib, fit.fits)


def _draw(answer: "Answer") -> "Figure":
    from matplotlib.figure import Figure

    request, bars = answer.fit.request, list_bars(answer)
    figure = Figure(figsize=(10, 1.8 + _INCHES_PER_BAR * len(bars)), layout="constrained")
    axes = figure.subplots()
    labels = [bar.label for bar in bars]
    longest = max(sum(bar.parts.values()) for bar in bars)
    left = [0.0] * len(bars)
    for part, colour in _COLOURS.items():
        sizes = [bar.parts[part] for bar in bars]
        drawn = axes.barh(labels, sizes, left=left, color=colour, label=part, height=0.7)
        axes.bar_label(drawn, [_shown(size, longest) for size in sizes], label_type="center")
        left = [start + size for start, size in zip(left, sizes, strict=True)]
    usable = request.gpu.usable_memory_bytes / _GIB
    axes.axvline(answer.fit.requested_bytes / _GIB, color="black", linestyle="--", linewidth=1, label="vLLM's share")
    axes.axvline(usable, color="red", linewidth=1.5, label=f"usable on a {request.gpu.name}")
    axes.set_xlim(0, 1.05 * max(usable, *left))
    axes.invert_yaxis()
    axes.set_xlabel("GiB per GPU (predicted)")
    axes.set_title(_title(answer))
    figure.legend(loc="outside lower center", ncols=6, frameon=False)
    return figure


def _shown(size: float, longest: float) -> str:
    """The figure inside a bar, where there is room for it."""
    return f"{size:.1f}" if size >= longest / 20 else ""


def _title(answer: "Answer") -> str:
    request = answer.fit.request
    return (
        f"{request.model.name} {request.precision} on {request.gpus} x {request.gpu.name}, "
        f"{request.max_model_len} tokens of context"
    )


def _as_svg(figure: "Figure") -> str:
    written = io.StringIO()
    figure.savefig(written, format="svg")
    text = written.getvalue()
    return text[text.index("<svg") :]


def _page(answer: "Answer", svg: str) -> str:
    """One file that opens without a network."""
    title = html.escape(_title(answer))
    reasons = "".join(f"<p>{html.escape(reason)}</p>" for reason in answer.fit.reasons)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        "<style>body{font-family:sans-serif;margin:2em}svg{max-width:100%;height:auto}</style></head>\n"
        f"<body>{reasons}\n{svg}</body></html>\n"
    )
