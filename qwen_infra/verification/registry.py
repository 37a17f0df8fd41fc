"""The list of cases, in the order in which they are shown.

To add one: an entry in its family's file in ``cases``, or a new file there and its line here; and a higher
``SUITE_VERSION`` in ``qwen_infra.versions``.
"""

from collections.abc import Collection
from difflib import get_close_matches
from fnmatch import fnmatchcase

from qwen_infra.errors import ConfigurationError
from qwen_infra.verification.case import Case, Level
from qwen_infra.verification.cases import (
    access,
    context,
    counting,
    images,
    limits,
    load,
    models_listed,
    protocols,
    reference,
    server_facts,
    structured_output,
    thinking,
    tools,
)

__all__ = ["CASES", "select_cases"]

CASES: tuple[Case, ...] = (
    *models_listed.CASES[:1],
    *reference.CASES,
    *access.CASES,
    *models_listed.CASES[1:],
    *server_facts.CASES,
    *thinking.CASES,
    *tools.CASES,
    *structured_output.CASES,
    *context.CASES,
    *limits.CASES,
    *counting.CASES,
    *protocols.CASES,
    *images.CASES,
    *load.CASES,
)


def select_cases(level: Level, *, include: Collection[str] = (), exclude: Collection[str] = ()) -> tuple[Case, ...]:
    """The cases that ``level`` runs; ids may be patterns such as ``tools-*``.

    Args:
        level: which cases.
        include: when not empty, only these of all cases, whatever their level.
        exclude: none of these.

    Raises:
        ConfigurationError: an id or pattern names no case, or nothing is left.
    """
    for pattern in (*include, *exclude):
        _require_known(pattern)
    wanted = (case for case in CASES if (_matches(case, include) if include else case.belongs_to(level)))
    found = tuple(case for case in wanted if not _matches(case, exclude))
    if not found:
        raise ConfigurationError(
            "no case is left to run",
            expected="at least one that is not excluded",
            mend="qwen-infra verify --list names the cases",
        )
    return found


def _matches(case: Case, patterns: Collection[str]) -> bool:
    return any(fnmatchcase(case.id, pattern) for pattern in patterns)


def _require_known(pattern: str) -> None:
    ids = [case.id for case in CASES]
    if any(fnmatchcase(case_id, pattern) for case_id in ids):
        return
    near = get_close_matches(pattern, ids, n=3, cutoff=0.5)
    raise ConfigurationError(
        "there is no such case",
        found=pattern,
        expected=f"perhaps {', '.join(near)}" if near else "a case's id or a pattern such as tools-*",
        mend="qwen-infra verify --list",
    )
