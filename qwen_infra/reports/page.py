"""The page: one HTML file with everything in it, no script, and a policy that forbids the browser to fetch anything.

Jinja escapes every value (autoescape); only the charts are let through, whose texts an XML library wrote.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from qwen_infra import __version__
from qwen_infra.benchmark import LATENCIES, REFERENCE_TITLE
from qwen_infra.reports.charts.trend import TREND_LABELS
from qwen_infra.reports.text import begin_sentence, mark_code, show_figure, show_ms, show_percent, show_time
from qwen_infra.reports.view import StackView

__all__ = ["render_page"]


def render_page(stacks: Sequence[StackView], *, made_at: datetime | None = None) -> str:
    """The report of some stacks as one HTML document."""
    environment = Environment(
        loader=PackageLoader("qwen_infra.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "figure": show_figure,
        "prose": mark_code,
        "sentence": begin_sentence,
        "ms": show_ms,
        "percent": show_percent,
        "moment": show_time,
        "words": lambda text: text.replace("_", " "),
    }
    style = files("qwen_infra.reports").joinpath("templates", "report.css").read_text("utf-8")
    page = environment.get_template("report.html.j2").render(
        stacks=stacks,
        style=style,
        made_at=made_at or datetime.now(UTC),
        version=__version__,
        reference_title=REFERENCE_TITLE,
        latencies=LATENCIES,
        trend_labels=TREND_LABELS,
        is_simulated=any(stack.is_simulated for stack in stacks),
    )
    return page + "\n"
