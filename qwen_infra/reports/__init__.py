"""The HTML page of a stack's history: what was deployed, proven and measured, and how it changed.

Results in, text out: nothing here asks a server or a cluster.
"""

from qwen_infra.reports.comparison import Comparison, compare_runs, find_run
from qwen_infra.reports.document import build_document
from qwen_infra.reports.page import render_page
from qwen_infra.reports.records import StackRecords, VerificationRun, read_records, read_stacks
from qwen_infra.reports.view import StackView, view_stack

__all__ = [
    "Comparison",
    "StackRecords",
    "StackView",
    "VerificationRun",
    "build_document",
    "compare_runs",
    "find_run",
    "read_records",
    "read_stacks",
    "render_page",
    "view_stack",
]
