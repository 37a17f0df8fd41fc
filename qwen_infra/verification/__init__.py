"""Proving that a deployment answers rightly: cases, the run over a URL, the report and its table.

No Pulumi and no cluster here: the dynamic provider in ``checks`` brings the URL and the key.
"""

from qwen_infra.verification.case import LEVELS, Case, Level
from qwen_infra.verification.facts import DeployedServer
from qwen_infra.verification.junit import render_junit
from qwen_infra.verification.registry import CASES, select_cases
from qwen_infra.verification.result import CaseResult, CaseStatus, VerificationReport
from qwen_infra.verification.runner import SuiteOptions, run_suite
from qwen_infra.verification.table import render_case_list, render_table

__all__ = [
    "CASES",
    "LEVELS",
    "Case",
    "CaseResult",
    "CaseStatus",
    "DeployedServer",
    "Level",
    "SuiteOptions",
    "VerificationReport",
    "render_case_list",
    "render_junit",
    "render_table",
    "run_suite",
    "select_cases",
]
