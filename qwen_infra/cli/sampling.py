"""The flag ``--sampling``: values, or the mode of a model's card."""

import math
from typing import Any

import typer

__all__ = ["read_sampling"]

_FLAG = "--sampling"


def read_sampling(text: str) -> dict[str, Any]:
    """``temperature=0.6,top_k=20``, or ``Qwen3.5-27B:thinking-coding`` by the catalogue.

    Raises:
        BadParameter: it is neither.
        ConfigurationError: the catalogue has no such model, or its card no such mode.
    """
    if "=" not in text and ":" in text:
        from qwen_infra.catalog import find_model
        from qwen_infra.planning.sampling import find_sampling

        name, _, mode = text.partition(":")
        return find_sampling(mode, find_model(name), key=_FLAG)
    try:
        found = {name.strip(): float(value) for name, value in (part.split("=", 1) for part in text.split(","))}
        if all(map(math.isfinite, found.values())):
            return found
        raise ValueError(text)
    except ValueError:
        problem = "is neither name=number,... nor MODEL:MODE, such as Qwen3.5-27B:thinking-coding"
        raise typer.BadParameter(f"{text!r} {problem}", param_hint=_FLAG) from None
