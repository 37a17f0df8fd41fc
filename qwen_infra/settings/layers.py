"""How a stack file's values lie over each other: profile of the environment, keys of the file, keys of one model.

Maps merge key by key, everything else is replaced whole: a list, a number or a text has no meaning of its own halves.
Only plain data here; types and messages are in ``loading.py``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["contains", "merge", "merge_all"]


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """``above`` laid over ``below``; neither is changed."""
    found = dict(below)
    for key, value in above.items():
        old = found.get(key)
        found[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return found


def merge_all(layers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All layers, the lowest first."""
    found: dict[str, Any] = {}
    for layer in layers:
        found = merge(found, layer)
    return found


def contains(layer: Mapping[str, Any], path: Sequence[str]) -> bool:
    """Whether a layer itself says something at ``path``."""
    value: Any = layer
    for part in path:
        if not isinstance(value, Mapping) or part not in value:
            return False
        value = value[part]
    return True
