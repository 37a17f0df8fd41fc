"""How long ago the checks of a deployment were run: what was proven once is not proven for ever."""

import re
from datetime import UTC, datetime

from qwen_infra.drift.difference import Difference

__all__ = ["judge_age", "read_moment"]

_MOMENT = re.compile(r"-(?P<moment>\d{8}T\d{6})\.")
"""In the names of results, which the state keeps (``qwen_infra.benchmark.write_result``)."""


def read_moment(result: str) -> datetime | None:
    """When a result was written, by its name; ``None`` where the name does not say."""
    found = _MOMENT.search(result)
    return datetime.strptime(found["moment"], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) if found else None


def judge_age(place: str, check: str, result: str, now: datetime, longest_days: float, stack: str) -> list[Difference]:
    """A difference when a check's result is older than ``longest_days``.

    Args:
        place: name of the check's resource.
        check: ``verification`` or ``benchmark``.
        result: name of the result's file, such as ``benchmark-20261124T070000.000000Z-0a1b2c3d.json``.
        now: the moment to count from, with a time zone.
        longest_days: age in days up to which nothing is told.
        stack: the stack, for the command that mends it.
    """
    moment = read_moment(result)
    if moment is None:
        return [Difference("age", place, f"the {check} does not say when it ran", found=result)]
    days = (now - moment).total_seconds() / 86400
    if days <= longest_days:
        return []
    mend = f"run it again: pulumi up --stack {stack} --replace '**{place}'"
    limit = f"at most {longest_days:g} days"
    return [Difference("age", place, f"the last {check} was long ago", limit, f"{days:.1f} days", mend)]
