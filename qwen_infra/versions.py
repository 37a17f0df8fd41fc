"""Versions that decide whether a check must run again; raise one when what it names changes its meaning."""

__all__ = ["RESULT_VERSION", "SUITE_VERSION"]

SUITE_VERSION = "4"
"""Of the verification's cases: what is asked and what counts as right."""

RESULT_VERSION = "2"
"""Of the benchmark's figures: how they are measured and defined."""
