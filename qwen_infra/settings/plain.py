"""What a stack file's values must be before anything else looks at them: finite trees of text that can be written."""

from collections.abc import Mapping, Sequence
from typing import Any

from qwen_infra.errors import ConfigurationError

__all__ = ["require_plain"]

_DEEPEST = 60
"""Levels of maps and lists; the settings have seven."""


def require_plain(value: Any, where: str, above: tuple[int, ...] = ()) -> None:
    """Refuse what the program would recurse in, or could neither print nor send.

    Raises:
        ConfigurationError: a map or list contains itself (a YAML anchor inside of what it names) or is nested beyond
            reason; a text, or a key, has half of a surrogate pair.
    """
    if isinstance(value, str):
        _require_text(value, where)
        return
    if not isinstance(value, Mapping | Sequence) or isinstance(value, bytes):
        return
    if id(value) in above:
        raise ConfigurationError(
            "this value contains itself",
            where=where,
            expected="an anchor (&name) that is repeated (*name) only after its value has ended",
            mend="write the value out where it is repeated",
        )
    if len(above) >= _DEEPEST:
        raise ConfigurationError(
            "this value is nested too deeply", where=where, expected=f"at most {_DEEPEST} levels", mend="remove levels"
        )
    pairs = value.items() if isinstance(value, Mapping) else enumerate(value)
    for key, inner in pairs:
        if isinstance(key, str):
            _require_text(key, where)
        require_plain(inner, f"{where}.{key}" if isinstance(value, Mapping) else f"{where}[{key}]", (*above, id(value)))


def _require_text(text: str, where: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ConfigurationError(
            "this text has half of a character that takes two \\u escapes",
            where=where,
            found=ascii(text[:60]),
            expected=f"the character itself in place of {text[error.start]!a}",
            mend="write the character as it is, in UTF-8",
        ) from None
