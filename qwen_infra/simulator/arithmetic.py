"""The sum, difference or product that a prompt asks for."""

import re

__all__ = ["find_expression", "find_result"]

_EXPRESSION = re.compile(r"(?<![\d.])(\d{1,12})\s*([-+*x×−]|plus|minus|times|加|减|乘)\s*(\d{1,12})(?![\d.])")


def find_expression(prompt: str) -> tuple[str, int] | None:
    """The last expression of two whole numbers as it stands in the prompt, and its value; None without one."""
    matches = list(_EXPRESSION.finditer(prompt))
    if not matches:
        return None
    match = matches[-1]
    left, sign, right = int(match[1]), match[2], int(match[3])
    if sign in {"+", "plus", "加"}:
        return match[0], left + right
    if sign in {"-", "−", "minus", "减"}:
        return match[0], left - right
    return match[0], left * right


def find_result(prompt: str) -> float | None:
    """Only the value of ``find_expression``."""
    found = find_expression(prompt)
    return None if found is None else float(found[1])
