"""The list of all cases as Markdown; ``python -m qwen_infra.verification.document FILE`` writes it there."""

import sys
from collections.abc import Sequence
from pathlib import Path

from qwen_infra.verification.case import Case
from qwen_infra.verification.registry import CASES

__all__ = ["insert_list", "render_list"]

BEGIN, END = "<!-- cases: begin -->", "<!-- cases: end -->"


def render_list(cases: Sequence[Case] = CASES) -> str:
    """One table a family."""
    parts = []
    for family in dict.fromkeys(case.family for case in cases):
        rows = [_row(case) for case in cases if case.family == family]
        head = "| id | level | proves | asks | expects | guards against | deadline |\n|---|---|---|---|---|---|---|"
        parts.append(f"### {family[0].upper()}{family[1:]}\n\n{head}\n" + "\n".join(rows))
    return "\n\n".join(parts)


def insert_list(page: str) -> str:
    """``page`` with the list between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{render_list()}\n\n{END}{after}"


def _row(case: Case) -> str:
    cells = (
        f"`{case.id}`",
        case.level,
        case.proves,
        case.asks,
        case.expects,
        case.guards_against,
        f"{case.deadline_s:g} s",
    )
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(insert_list(path.read_text(encoding="utf-8")), encoding="utf-8")
