"""How numbers and moments are written in the report."""

from datetime import UTC, datetime

from markupsafe import Markup, escape

__all__ = ["begin_sentence", "mark_code", "show_axis_ms", "show_figure", "show_ms", "show_percent", "show_time"]


def begin_sentence(text: str) -> str:
    """The text with a capital first; a name that begins small stays as it is."""
    return text if text.startswith("vLLM") else text[:1].upper() + text[1:]


def show_ms(value_ms: float | None) -> str:
    """A latency with its unit, in milliseconds below ten seconds and in seconds above."""
    if value_ms is None:
        return "-"
    if value_ms >= 10_000:
        return f"{value_ms / 1000:.4g} s"
    return f"{_plain(value_ms)} ms"


def show_axis_ms(value_ms: float) -> str:
    """A latency under an axis, where milliseconds and seconds never stand side by side for the same size."""
    return f"{value_ms / 1000:g} s" if value_ms >= 1000 else f"{value_ms:g} ms"


def show_figure(value: float | None, unit: str) -> str:
    """A figure as a table shows it: three to four digits, thousands apart, without its unit; shares as percent."""
    if value is None:
        return "-"
    return f"{value:.1%}" if unit == "share" else _plain(value)


def show_percent(value: float | None) -> str:
    """A change with its sign."""
    return "-" if value is None else f"{value:+.1f} %"


def show_time(moment: datetime) -> str:
    """To the minute, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def mark_code(text: str) -> Markup:
    """Prose in which backticks set code, as HTML; everything in it is escaped."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part) for place, part in enumerate(parts)
    )


def _plain(value: float) -> str:
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.3g}"
