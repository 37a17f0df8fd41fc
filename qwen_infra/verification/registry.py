"""The list of cases, in the order in which they are shown.

To add one: its file in ``cases``, its line here, and a higher ``SUITE_VERSION`` in ``qwen_infra.versions``.
"""

from qwen_infra.verification.case import Case, Level
from qwen_infra.verification.cases import (
    chat_chinese_introduction,
    chat_thinking_off,
    chat_thinking_on,
    key_required,
    models_listed,
)

__all__ = ["CASES", "select_cases"]

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
