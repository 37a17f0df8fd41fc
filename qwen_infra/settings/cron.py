"""Cron expressions as Kubernetes reads them (robfig/cron v3, standard parser), checked before a cluster refuses one."""

import re

__all__ = ["CRON_PATTERN", "check_cron"]

_SHORTHANDS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
CRON_PATTERN = rf"^(@({'|'.join(word[1:] for word in _SHORTHANDS)})|\s*(\S+\s+){{4}}\S+\s*)$"
"""As much of it as a JSON schema can say: five fields, or one of the words."""
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# name, lowest, highest, names of values from the lowest on
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 6, _DAYS),
)
_PART = re.compile(r"(?P<from>\*|\?|\w+)(-(?P<to>\w+))?(/(?P<step>\d+))?")


def check_cron(text: str) -> str:
    """``text`` as it is.

    Raises:
        ValueError: it is no cron expression; says which field is wrong.
    """
    if text.startswith("@"):
        if text not in _SHORTHANDS:
            raise ValueError(f"{text!r} is none of {', '.join(_SHORTHANDS)}")
        return text
    words = text.split()
    if len(words) != len(_FIELDS):
        told = ", ".join(name for name, *_ in _FIELDS)
        raise ValueError(f"{text!r} has {len(words)} fields, not five: {told}; such as '0 4 * * *', daily at four")
    for word, (name, lowest, highest, names) in zip(words, _FIELDS, strict=True):
        for part in word.split(","):
            _check_part(part, f"the {name} of {text!r}", lowest, highest, names)
    return text


def _check_part(part: str, where: str, lowest: int, highest: int, names: tuple[str, ...]) -> None:
    match = _PART.fullmatch(part)
    if match is None:
        raise ValueError(f"{where} is {part!r}, not a number, a range such as 1-5, * or */5")
    if match["step"] is not None and int(match["step"]) == 0:
        raise ValueError(f"{where} has a step of zero")
    if match["from"] in "*?":
        if match["to"] is not None:
            raise ValueError(f"{where} is {part!r}, a range that begins with {match['from']}")
        return
    first = _read(match["from"], where, lowest, highest, names)
    last = first if match["to"] is None else _read(match["to"], where, lowest, highest, names)
    if last < first:
        raise ValueError(f"{where} is {part!r}, a range that ends before it begins")


def _read(word: str, where: str, lowest: int, highest: int, names: tuple[str, ...]) -> int:
    if word.lower() in names:
        return lowest + names.index(word.lower())
    if not (word.isascii() and word.isdigit()) or not lowest <= int(word) <= highest:
        raise ValueError(f"{where} is {word!r}, not {lowest} to {highest}")
    return int(word)
