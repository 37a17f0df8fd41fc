"""The pictures of the report: each function draws one as an accessible piece of SVG, by matplotlib (ADR 0100)."""

from qwen_infra.reports.charts.canvas import Chart
from qwen_infra.reports.charts.latency import draw_distribution, draw_percentiles
from qwen_infra.reports.charts.load import draw_concurrency, draw_timeline
from qwen_infra.reports.charts.memory import draw_memory
from qwen_infra.reports.charts.trend import draw_trend

__all__ = [
    "Chart",
    "draw_concurrency",
    "draw_distribution",
    "draw_memory",
    "draw_percentiles",
    "draw_timeline",
    "draw_trend",
]
