"""Kubernetes quantities as numbers (apimachinery, ``resource.Quantity``)."""

import re
from typing import Any

__all__ = ["parse_quantity", "whole_number"]

_UNITS = {"": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_UNITS |= {f"{letter}i": 1024.0 ** (power + 1) for power, letter in enumerate("KMGTPE")}
_FORM = re.compile(r"(\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)")


def parse_quantity(text: object) -> float | None:
    """``"64Gi"`` as 68719476736.0, ``"500m"`` as 0.5, ``"128e6"`` as 128000000.0; ``None`` where it is no quantity.

    No sign: what Kubernetes counts with here (requests, limits, what a node has) is never negative.
    """
    match = _FORM.fullmatch(str(text))
    if match is None:
        return None
    digits, exponent, unit = match.groups()
    return float(digits) * (10.0 ** int(exponent) if exponent else _UNITS[unit or ""])


def whole_number(value: Any, default: int) -> int:
    """A whole number of a manifest, which engines hand over as float or text; ``default`` where it is none."""
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return default
