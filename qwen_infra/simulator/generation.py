"""A reply as the list of tokens that the engine will produce, cut and filled by the request's limits.

What each token shows in a stream is decided here; when it appears is ``scheduling``'s matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Literal

from qwen_infra.simulator.faults import FaultSwitch
from qwen_infra.simulator.reply import Reply, ToolCall
from qwen_infra.simulator.tokens import split_pieces

__all__ = ["Limits", "Piece", "TokenPlan", "plan_tokens"]

Field = Literal["reasoning", "content", "call", "arguments", ""]

GIGANTIC_TOKENS = 320
GIGANTIC_TOKEN_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Piece:
    """One token: where it shows and with which text.

    ``field`` is empty for a token that shows nowhere (``</think>``, end of turn, markup of a call); ``raw`` is its text
    for log probabilities and stop strings.
    """

    field: Field
    text: str
    raw: str
    call_index: int = 0


@dataclass(frozen=True)
class Limits:
    """What the request says about length."""

    max_tokens: int
    min_tokens: int = 0
    ignore_eos: bool = False
    stop: tuple[str, ...] = ()
    include_stop: bool = False


@dataclass(frozen=True)
class TokenPlan:
    """All tokens of an answer, why it ends, and at which stop string."""

    pieces: list[Piece]
    finish_reason: Literal["stop", "length"]
    stop_reason: str | None = None
    is_endless: bool = False

    def take(self, start: int, stop: int) -> list[Piece]:
        """The tokens from ``start`` up to ``stop``; an endless plan goes on with filler."""
        if not self.is_endless or stop <= len(self.pieces):
            return self.pieces[start:stop]
        filler = _FILLER["content"]
        return self.pieces[start:] + [
            filler[index % len(filler)] for index in range(max(start, len(self.pieces)), stop)
        ]

    @property
    def output_tokens(self) -> int | None:
        """How many tokens the engine produces; None without end."""
        return None if self.is_endless else len(self.pieces)

    def text_of(self, field: Field, call_index: int = 0) -> str:
        """Everything that shows in ``field``."""
        return "".join(piece.text for piece in self.pieces if piece.field == field and piece.call_index == call_index)

    def count(self, field: Field) -> int:
        """Tokens that show in ``field``."""
        return sum(1 for piece in self.pieces if piece.field == field)


_FILLER_TEXT = (
    " the day was hot and the old cat sat on a mat in the sun but the dog ran far to see a red fox by the sea"
)
_FILLER = {
    field: [Piece(field, text, text) for text in split_pieces(_FILLER_TEXT)] for field in ("content", "reasoning")
}
_END_OF_TURN = Piece("", "", "<|im_end|>")


def plan_tokens(reply: Reply, limits: Limits, faults: FaultSwitch) -> TokenPlan:
    """The tokens of ``reply`` under ``limits``."""
    if faults.is_active("endless-stream"):
        return TokenPlan(_pieces_of(reply), "length", is_endless=True)
    if faults.is_active("gigantic-answer"):
        giant = "gigantic " * (GIGANTIC_TOKEN_BYTES // len("gigantic "))
        return TokenPlan(
            [*_pieces_of(reply), *[Piece("content", giant, giant)] * GIGANTIC_TOKENS, _END_OF_TURN], "stop"
        )
    if faults.is_active("endless-thinking"):
        return TokenPlan(_fill("reasoning", limits.max_tokens), "length")
    pieces = _pieces_of(reply)
    max_tokens = limits.max_tokens
    if faults.is_active("max-tokens-ignored"):
        max_tokens *= 3
        pieces += _fill("content", max_tokens - len(pieces) - 1)
    pieces += _fill("content", limits.min_tokens - len(pieces) - 1)
    pieces.append(_END_OF_TURN)
    if limits.ignore_eos and not faults.is_active("eos-not-ignored"):
        pieces += _fill("content", max_tokens - len(pieces))
        is_cut = True
    else:
        is_cut = len(pieces) > max_tokens
    plan = TokenPlan(pieces[:max_tokens], "length" if is_cut else "stop")
    return plan if faults.is_active("stop-ignored") else _stop_at_string(plan, limits)


def _fill(field: Literal["content", "reasoning"], count: int) -> list[Piece]:
    return list(islice(cycle(_FILLER[field]), max(count, 0)))


def _show(field: Field, text: str, call_index: int = 0) -> list[Piece]:
    return [Piece(field, piece, piece, call_index) for piece in split_pieces(text)]


def _hide(text: str) -> list[Piece]:
    return [Piece("", "", piece) for piece in split_pieces(text)]


def _pieces_of(reply: Reply) -> list[Piece]:
    pieces: list[Piece] = []
    if reply.reasoning is not None:
        pieces += _show("reasoning", f"{reply.reasoning}\n")
        if reply.content is not None or reply.tool_calls:
            pieces += _hide("</think>")
            # The model writes a blank line after its thinking; vLLM keeps it in the content, but not before a call.
            pieces += _show("content", "\n\n") if reply.content is not None else _hide("\n\n")
    if reply.content is not None:
        pieces += _show("content", reply.content)
    for index, call in enumerate(reply.tool_calls):
        pieces += _pieces_of_call(call, index)
    return pieces


def _pieces_of_call(call: ToolCall, index: int) -> list[Piece]:
    return [
        *_hide("<tool_call>\n<function="),
        Piece("call", call.name, call.name, index),
        *_hide(">\n"),
        *_show("arguments", call.arguments, index),
        *_hide("\n</function>\n</tool_call>"),
    ]


def _stop_at_string(plan: TokenPlan, limits: Limits) -> TokenPlan:
    if not limits.stop:
        return plan
    found = _find_stop(plan.pieces, limits)
    if found is None:
        return plan
    count, keep_characters, stop = found
    kept: list[Piece] = []
    position = 0
    for piece in plan.pieces[:count]:
        raw = piece.raw[: max(keep_characters - position, 0)]
        position += len(piece.raw)
        kept.append(
            piece if raw == piece.raw else Piece(piece.field, raw if piece.field else "", raw, piece.call_index)
        )
    return TokenPlan(kept, "stop", stop)


def _find_stop(pieces: Sequence[Piece], limits: Limits) -> tuple[int, int, str] | None:
    """Tokens up to the first complete stop string, characters to keep, and that string."""
    longest = max(len(stop) for stop in limits.stop)
    tail, tail_start = "", 0
    for count, piece in enumerate(pieces, start=1):
        tail += piece.raw
        if count >= limits.min_tokens:
            hits = [(tail.index(stop), stop) for stop in limits.stop if stop in tail]
            if hits:
                at, stop = min(hits)
                return count, tail_start + at + (len(stop) if limits.include_stop else 0), stop
        surplus = max(len(tail) - longest, 0)
        tail, tail_start = tail[surplus:], tail_start + surplus
    return None
