"""Reading JSON whose shape is not known yet, without a traceback: the wrong kind reads as empty, or is told."""

from typing import Any

from qwen_infra.client import shorten
from qwen_infra.errors import CheckFailedError

__all__ = ["as_list", "as_object", "text_of"]


def as_object(value: object) -> dict[str, Any]:
    """``value`` when it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """``value`` when it is a JSON list, else an empty one."""
    return value if isinstance(value, list) else []


def text_of(value: dict[str, Any], key: str) -> str:
    """The text under ``key``, empty when it is null or missing.

    Raises:
        CheckFailedError: something else than text is there.
    """
    found = value.get(key)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise CheckFailedError(f"`{key}` is not text", expected="a string or null", found=shorten(repr(found), 80))
    return found
