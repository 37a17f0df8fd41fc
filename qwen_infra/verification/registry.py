"""The list of cases, in the order in which they are shown. To add one: its file in ``cases``, and its line here."""

from qwen_infra.verification.case import Case, Level
from qwen_infra.verification.cases import (
    chat_chinese_introduction,
    chat_thinking_off,
    chat_thinking_on,
    key_required,
    models_listed,
)

__all__ = ["CASES", "SUITE_VERSION", "select_cases"]

SUITE_VERSION = "1"
"""Part of what decides whether a deployment is verified again: raise it with every change of a case."""

CASES: tuple[Case, ...] = (
    models_listed.CASE,
    chat_chinese_introduction.CASE,
    chat_thinking_on.CASE,
    chat_thinking_off.CASE,
    key_required.CASE,
)


def select_cases(level: Level) -> tuple[Case, ...]:
    """The cases that ``level`` runs."""
    return tuple(case for case in CASES if case.belongs_to(level))
