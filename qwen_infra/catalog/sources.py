"""Where a figure of the catalogue comes from, and how sure it is.

Not here: the figures themselves (``models.py``, ``gpus.py``) and reading the data files (``lookup.py``).
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = ["Certainty", "Source"]

Certainty = Literal["measured", "verified", "read", "computed", "unverified"]
"""measured on hardware · verified by running or recomputing · read in a document or file · computed · unverified."""


class Source(BaseModel):
    """One document, file or measurement that figures were taken from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    certainty: Certainty
