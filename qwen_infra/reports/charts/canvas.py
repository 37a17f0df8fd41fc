"""What all pictures share: size, type, colours that follow the page's light or dark, and SVG that a reader can hear.

matplotlib draws with stand-in colours; each becomes a CSS variable of the page, so that one picture serves light, dark
and print. Ids are unique over the page, marks carry a ``<title>`` (a tooltip without a script), and matplotlib's
metadata goes.
"""

import functools
import io
import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar
from xml.etree import ElementTree

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

__all__ = ["COLOURS", "GRID", "INK", "MUTED", "SURFACE", "WARNING", "Canvas", "Chart", "in_style"]

SURFACE, INK, MUTED, GRID, WARNING = "#fefefe", "#010101", "#020202", "#030303", "#040404"
COLOURS = ("#0a0001", "#0a0002", "#0a0003", "#0a0004")
"""Of series; never the only sign: markers, lines, hatches and labels differ too."""
_VARIABLES = {
    SURFACE: "--surface",
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--grid",
    WARNING: "--bad",
    **{colour: f"--series-{number}" for number, colour in enumerate(COLOURS, start=1)},
}
_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_HREF = f"{{{_XLINK}}}href"
_POINTS_PER_INCH = 72
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": 9.5,
    "axes.edgecolor": MUTED,
    "axes.facecolor": SURFACE,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": SURFACE,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.7,
    "legend.edgecolor": GRID,
    "legend.facecolor": SURFACE,
    "legend.fontsize": 8.5,
    "legend.framealpha": 0.9,
    "legend.labelcolor": INK,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
}
_counter = itertools.count(1)
_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture for the page.

    Args:
        svg: with its title and description inside.
        title: what it shows, as its caption.
        columns: headings of the table behind it.
        rows: the numbers that it shows, as text.
    """

    svg: Markup
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def in_style(draw: Callable[_P, _T]) -> Callable[_P, _T]:
    """All of a drawing in the page's style, which legends and labels read when they are made."""

    @functools.wraps(draw)
    def drawn(*arguments: _P.args, **named: _P.kwargs) -> _T:
        with mpl.rc_context(_STYLE | {"svg.hashsalt": "qwen-infra"}):
            return draw(*arguments, **named)

    return drawn


@dataclass
class Canvas:
    """One picture being drawn, inside ``in_style``; ``width`` by ``height`` in CSS pixels at its natural size."""

    width: int = 430
    height: int = 270
    margins: tuple[float, float, float, float] = (52, 14, 14, 40)
    """Left, right, top and bottom, in points."""
    axes_count: int = 1
    marks: dict[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        width, height = self.width * 0.75, self.height * 0.75  # in points
        self.figure = Figure(figsize=(width / _POINTS_PER_INCH, height / _POINTS_PER_INCH))
        FigureCanvasSVG(self.figure)
        left, right, top, bottom = self.margins
        grid = self.figure.add_gridspec(
            self.axes_count,
            1,
            left=left / width,
            right=1 - right / width,
            top=1 - top / height,
            bottom=bottom / height,
            hspace=0.3,
        )
        self.all_axes: list[Axes] = []
        for number in range(self.axes_count):
            shared = self.all_axes[0] if self.all_axes else None
            self.all_axes.append(self.figure.add_subplot(grid[number], sharex=shared))

    @property
    def axes(self) -> Axes:
        return self.all_axes[0]

    def mark(self, group: str, titles: Sequence[str]) -> str:
        """The gid for a scatter whose marks get these titles, in order."""
        self.marks[group] = titles
        return group

    def stamp_simulated(self) -> None:
        """Write across the picture that no GPU made it."""
        for axes in self.all_axes:
            axes.text(
                0.5,
                0.5,
                "SIMULATED",
                transform=axes.transAxes,
                fontsize=24 - 4 * len(self.all_axes),
                color=GRID,
                ha="center",
                va="center",
                rotation=12,
                weight="bold",
                zorder=0.5,
            )

    def finish(self, title: str, description: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Chart:
        """The picture, described in words, with the numbers that it shows."""
        written = io.StringIO()
        self.figure.savefig(written, format="svg", metadata={"Date": None})
        svg = _adapt(written.getvalue(), title, description, self.marks, self.width, self.height)
        texts = tuple(tuple("" if value is None else str(value) for value in row) for row in rows)
        return Chart(Markup(svg), title, tuple(columns), texts)


def _adapt(svg: str, title: str, description: str, marks: dict[str, Sequence[str]], width: int, height: int) -> str:
    number = next(_counter)
    root = ElementTree.fromstring(svg[svg.index("<svg") :])
    for metadata in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(metadata)
    root.attrib.pop("version", None)
    root.set("width", str(width))
    root.set("height", str(height))
    root.set("role", "img")
    root.set("aria-labelledby", f"chart-{number}-title chart-{number}-text")
    _add_titles(root, marks)
    _rename_ids(root, number)
    for name, text in (("desc", description), ("title", title)):
        element = ElementTree.Element(f"{{{_SVG}}}{name}", id=f"chart-{number}-{'text' if name == 'desc' else 'title'}")
        element.text = text
        root.insert(0, element)
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    return _shorten(ElementTree.tostring(root, encoding="unicode"))


def _add_titles(root: ElementTree.Element, marks: dict[str, Sequence[str]]) -> None:
    """A tooltip for each mark of a scatter; the style that all marks share moves to their group."""
    for group in root.iter(f"{{{_SVG}}}g"):
        uses = [element for element in group if element.tag == f"{{{_SVG}}}use"]
        styles = {element.get("style") for element in uses}
        if len(uses) > 1 and len(styles) == 1 and (style := styles.pop()) is not None:
            group.set("style", style)
            for element in uses:
                del element.attrib["style"]
    for gid, titles in marks.items():
        found = next((group for group in root.iter(f"{{{_SVG}}}g") if group.get("id") == gid), None)
        uses = [] if found is None else list(found.iter(f"{{{_SVG}}}use"))
        for element, text in zip(uses, titles, strict=False):
            ElementTree.SubElement(element, f"{{{_SVG}}}title").text = text


def _rename_ids(root: ElementTree.Element, number: int) -> None:
    """Keep the ids that something refers to, under a name that no other picture has."""
    text = ElementTree.tostring(root, encoding="unicode")
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    for element in root.iter():
        identity = element.attrib.pop("id", None)
        if identity in used:
            element.set("id", f"chart-{number}-{identity}")
        for name, value in element.attrib.items():
            if name == _HREF:
                element.set(name, f"#chart-{number}-{value.removeprefix('#')}")
            elif "url(#" in value:
                element.set(name, value.replace("url(#", f"url(#chart-{number}-"))


def _shorten(svg: str) -> str:
    """Two decimals of a pixel, no line breaks, the page's type and the page's colours."""
    svg = _NUMBER.sub(lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), svg)
    svg = re.sub(r"\s*\n\s*", " ", svg).replace("> <", "><")
    svg = re.sub(r"font-family: [^;\"]*;?", "", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return svg
