"""One user of the load: a single request, or a conversation whose later requests hold the answers before them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

__all__ = ["Session"]


@dataclass(frozen=True, slots=True)
class Session:
    """Requests that are sent one after the other.

    Args:
        first: the encoded body of the first.
        prompt_tokens: length of its prompt, as far as we know it; the server's count replaces it.
        output_tokens: ``max_tokens`` of each.
        turns: how many requests there are.
        next_body: the body of a later one, from all answers before it.
    """

    first: bytes = field(repr=False)
    prompt_tokens: int
    output_tokens: int
    turns: int = 1
    next_body: Callable[[Sequence[str]], bytes] | None = None

    def make_body(self, answers: Sequence[str]) -> bytes:
        """The body of the request that follows ``answers``."""
        if not answers or self.next_body is None:
            return self.first
        return self.next_body(answers)
