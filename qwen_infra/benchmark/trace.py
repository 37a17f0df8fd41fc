"""What was measured of one request: numbers only, one per chunk, so that memory grows by eight bytes a token.

Times are ``time.perf_counter`` seconds. What they mean together is in ``metrics``.
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
        queued_s: time spent waiting for ``max_concurrency`` before sending.
        sent_at_s: the moment of sending.
        chunk_times_s: arrival of each event with a non-empty ``choices``, which is what vLLM counts as a token's.
        output_tokens: the server's ``usage.completion_tokens``; None when it gave none.
        error_kind: None when the request completed.
        error: the message beside it.
    """

    prompt_tokens: int
    queued_s: float = 0.0
    sent_at_s: float = 0.0
    chunk_times_s: "array[float]" = field(default_factory=lambda: array("d"))
    output_tokens: int | None = None
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
