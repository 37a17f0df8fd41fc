"""Kubernetes quantities as numbers (apimachinery, ``resource.Quantity``)."""

import re

__all__ = ["parse_quantity"]

_UNITS = {"": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}
_UNITS |= {f"{letter}i": 1024.0 ** (power + 1) for power, letter in enumerate("KMGTP")}
_FORM = re.compile(r"(\d+(?:\.\d+)?)(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?")


def parse_quantity(text: object) -> float | None:
    """``"64Gi"`` as 68719476736.0; ``None`` where it is no quantity."""
    match = _FORM.fullmatch(str(text))
    return float(match[1]) * _UNITS[match[2] or ""] if match else None
