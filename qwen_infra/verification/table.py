"""A verification report as plain text of at most 80 columns, for a terminal or a log.

rich lays it out, since it knows that a Chinese character takes two columns; colours are left to whoever prints it.
"""

import io

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from qwen_infra.verification.result import CaseResult, VerificationReport

__all__ = ["render_table"]

_WIDTH = 80


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
    for case in report.cases:
        table.add_row(Text(case.id), case.status, f"{case.duration_s:.1f}", Text(_describe(case)))
    console = Console(file=io.StringIO(), width=_WIDTH, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as capture:
        console.print(Text(f"Verification of {report.model}: {report.provenance.description}"))
        console.print(table)
        console.print(Text(report.summary))
    return "\n".join(line.rstrip() for line in capture.get().rstrip().splitlines())


def _describe(case: CaseResult) -> str:
    if case.status != "failed":
        return case.detail
    pairs = (("expected", case.expected), ("came", case.actual))
    return case.detail + "".join(f"; {label}: {value}" for label, value in pairs if value)
