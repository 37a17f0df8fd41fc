"""What was measured of one request: numbers only, one per chunk, so that memory grows by eight bytes a token.

Times are seconds on the event loop's monotonic clock. What they mean together is in ``metrics``.
"""

from array import array
from dataclasses import dataclass, field

__all__ = ["UNFINISHED", "RequestTrace"]

UNFINISHED = "unfinished"
"""The kind of a request that was under way, or not sent yet, when the run was stopped: neither completed nor failed."""


@dataclass(slots=True)
class RequestTrace:
    """One request, from our decision to send it to its last chunk.

    Args:
        prompt_tokens: what was sent; replaced by the server's count when it gives one.
        wanted_tokens: ``max_tokens`` of the request.
        turn: place in its conversation, from 0.
        queued_s: time spent waiting for ``max_concurrency`` before sending.
        sent_at_s: the moment of sending.
        chunk_times_s: arrival of each event with a non-empty ``choices``, which is what vLLM counts as a token's.
        first_reasoning_s: arrival of the first text in ``reasoning``; None when there was none.
        first_content_s: arrival of the first text of the answer itself (``content``, ``text``, or a tool call).
        output_tokens: the server's ``usage.completion_tokens``; None when it gave none.
        cached_tokens: the server's ``usage.prompt_tokens_details.cached_tokens``; None when it gave none.
        error_kind: None when the request completed.
        error: the message beside it.
    """

    prompt_tokens: int
    wanted_tokens: int = 0
    turn: int = 0
    queued_s: float = 0.0
    sent_at_s: float = 0.0
    chunk_times_s: "array[float]" = field(default_factory=lambda: array("d"))
    first_reasoning_s: float | None = None
    first_content_s: float | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    error_kind: str | None = UNFINISHED
    error: str = "not sent"

    @property
    def is_completed(self) -> bool:
        """Whether the whole answer came."""
        return self.error_kind is None

    @property
    def ttft_s(self) -> float:
        """Time to the first chunk; only for completed requests."""
        return self.chunk_times_s[0] - self.sent_at_s

    @property
    def latency_s(self) -> float:
        """Time to the last chunk; only for completed requests."""
        return self.chunk_times_s[-1] - self.sent_at_s

    @property
    def output_length(self) -> int:
        """Tokens of the answer: the server's count, else the number of chunks."""
        return len(self.chunk_times_s) if self.output_tokens is None else self.output_tokens

    @property
    def tpot_s(self) -> float | None:
        """Time per output token after the first; None when there is no second token."""
        if self.output_length < 2:
            return None
        return (self.latency_s - self.ttft_s) / (self.output_length - 1)
