"""The flags of ``vllm serve`` 0.32 as data; ``make vllm-flags`` writes the file from the real parser.

Defaults are those of a machine without a GPU; the few that depend on the hardware are vLLM's business.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

__all__ = ["VLLM_VERSION", "VllmFlag", "load_flags"]

VLLM_VERSION = "0.32.0"
"""Whose parser the snapshot shows."""


class VllmFlag(BaseModel):
    """One flag.

    Args:
        name: the full name, with dashes.
        aliases: other names that mean the same (``-tp``).
        negations: names that mean the opposite (``--no-enable-prefix-caching``).
        words: how many words follow it.
        type: what each word must be; None where no word follows.
        accepts_none: whether the word None stands for no value.
        choices: the only words that are accepted.
        folds_case: upper case and dashes are taken for lower case and underscores.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    aliases: tuple[str, ...] = ()
    negations: tuple[str, ...] = ()
    words: Literal["none", "one", "optional", "many"]
    type: (
        Literal["integer", "number", "text", "human integer", "human integer or auto", "json", "json or text"] | None
    ) = None
    accepts_none: bool = False
    choices: tuple[str | int, ...] = ()
    folds_case: bool = False
    default: Any = None
    deprecated: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Every word that is this flag."""
        return (self.name, *self.aliases, *self.negations)


class _Snapshot(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal["0.32.0"]
    flags: tuple[VllmFlag, ...]


@cache
def load_flags() -> Mapping[str, VllmFlag]:
    """Every name, alias and negation to its flag."""
    text = files("qwen_infra.vllm_flags").joinpath("flags.json").read_text("utf-8")
    flags = _Snapshot.model_validate_json(text).flags
    return {name: flag for flag in flags for name in flag.names}
