"""A verification report as plain text of at most 80 columns, for a terminal or a log.

rich lays it out, since it knows that a Chinese character takes two columns; colours are left to whoever prints it.
"""

import io
from collections import Counter
from collections.abc import Sequence

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from qwen_infra.verification.case import Case
from qwen_infra.verification.result import CaseResult, VerificationReport

__all__ = ["render_case_list", "render_table"]

_WIDTH = 80
_SHOWN_EACH = 5
"""More cases than this that passed in a family, or were skipped for the same reason, share one line."""


def render_table(report: VerificationReport) -> str:
    """The cases as a table, what they were run against above it, and the summary below.

    Returns:
        Lines of at most 80 columns, without a line end after the last.
    """
    table = Table(box=box.ASCII2, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("case", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("s", justify="right", no_wrap=True)
    table.add_column("what came", ratio=1)
    reasons = Counter(case.detail for case in report.cases if case.status == "skipped")
    common = {reason: count for reason, count in reasons.items() if count > _SHOWN_EACH}
    cases = [case for case in report.cases if case.status != "skipped" or case.detail not in common]
    for family in dict.fromkeys(case.family for case in cases):
        for row in _summarize([case for case in cases if case.family == family]):
            table.add_row(*row)
    for reason, count in common.items():
        table.add_row(f"{count} cases", "skipped", "", Text(reason))
    head = Text(f"Verification of {report.model}: {report.provenance.description}")
    return _print(head, table, Text(report.summary))


def render_case_list(cases: Sequence[Case]) -> str:
    """The cases with what each proves, for a terminal.

    Returns:
        Lines of at most 80 columns, without a line end after the last.
    """
    table = Table(box=box.ASCII2, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("case", no_wrap=True)
    table.add_column("level", no_wrap=True)
    table.add_column("proves", ratio=1)
    for case in cases:
        table.add_row(Text(case.id), case.level, Text(case.proves))
    return _print(table)


def _print(*parts: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=_WIDTH, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    return "\n".join(line.rstrip() for line in capture.get().rstrip().splitlines())


def _summarize(cases: Sequence[CaseResult]) -> list[tuple[Text, str, str, Text]]:
    """A row a case; of a large family one row for what passed."""
    passed = [case for case in cases if case.status == "passed"]
    if len(passed) <= _SHOWN_EACH:
        return [_row(case) for case in cases]
    slowest_s = max(case.duration_s for case in passed)
    again = sum(case.attempts > 1 for case in passed)
    what = f"all that were asked, the slowest in {slowest_s:.1f} s{f', {again} asked again' if again else ''}"
    what += _tell_late(sum(case.late_connections for case in passed))
    whole = (Text(f"{cases[0].family}: {len(passed)} cases"), "passed", f"{slowest_s:.1f}", Text(what))
    return [whole, *(_row(case) for case in cases if case.status != "passed")]


def _row(case: CaseResult) -> tuple[Text, str, str, Text]:
    return Text(case.id), case.status, f"{case.duration_s:.1f}", Text(_describe(case))


def _tell_late(connections: int) -> str:
    return f", {connections} connections tried again" if connections else ""


def _describe(case: CaseResult) -> str:
    if case.status != "failed":
        return case.detail + _tell_late(case.late_connections)
    pairs = (("expected", case.expected), ("came", case.actual))
    return case.detail + "".join(f"; {label}: {value}" for label, value in pairs if value)
