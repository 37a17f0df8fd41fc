"""JSON and server-sent events as bytes, and the two parts of an answer that chat and completions share."""

import json
import zlib
from functools import lru_cache
from typing import Any, Protocol

from qwen_infra.simulator.generation import Piece

__all__ = ["DONE", "EventWriter", "make_event", "make_named_event", "make_usage", "quote", "to_json", "token_logprobs"]

DONE = b"data: [DONE]\n\n"


class EventWriter(Protocol):
    """Turns the tokens of one answer into the events of its stream."""

    def open(self) -> list[bytes]:
        """Events that come with the first token, before it."""

    def write(self, start: int, stop: int) -> bytes:
        """The event for the tokens from ``start`` up to ``stop``; empty when they show nowhere."""

    def close(self) -> list[bytes]:
        """Events after the last token, without ``[DONE]``."""


def to_json(value: Any) -> bytes:
    """Compact JSON; a lone surrogate, which has no UTF-8 form, becomes a question mark."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", errors="replace")


@lru_cache(maxsize=4096)
def quote(text: str) -> bytes:
    """``text`` as a JSON string; remembered, since a stream repeats the same few tokens."""
    return to_json(text)


def make_event(value: Any) -> bytes:
    """One server-sent event."""
    return b"data: " + to_json(value) + b"\n\n"


def make_named_event(value: dict[str, Any]) -> bytes:
    """One server-sent event that carries its ``type`` as its name too."""
    return f"event: {value['type']}\n".encode() + make_event(value)


def make_usage(prompt_tokens: int, completion_tokens: int, reasoning_tokens: int | None) -> dict[str, Any]:
    """``usage`` of a stream; completions have no reasoning tokens."""
    usage: dict[str, Any] = {
        "prompt_tokens": prompt_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "completion_tokens": completion_tokens,
    }
    if reasoning_tokens is not None:
        usage["completion_tokens_details"] = {"reasoning_tokens": reasoning_tokens}
    return usage


def token_logprobs(piece: Piece, count: int) -> list[tuple[str, float]]:
    """The token and its ``count`` - 1 likeliest rivals with (invented, but fixed) log probabilities."""
    share = zlib.crc32(piece.raw.encode("utf-8", errors="replace")) / 2**32
    best = -0.01 - 0.3 * share
    return [(piece.raw, best), *((f" alternative {rank}", best - rank) for rank in range(1, count))]
