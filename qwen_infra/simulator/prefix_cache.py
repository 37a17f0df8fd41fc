"""Which prompt blocks were seen before, as vLLM's prefix cache knows it: whole blocks, the oldest forgotten first."""

from collections import OrderedDict
from collections.abc import Sequence

__all__ = ["PrefixCache"]


class PrefixCache:
    """Remembers the last ``capacity_blocks`` blocks of ``block_size_tokens`` tokens by their cumulative hash."""

    def __init__(self, block_size_tokens: int, capacity_blocks: int) -> None:
        self._block_size_tokens = block_size_tokens
        self._capacity_blocks = capacity_blocks
        self._blocks: OrderedDict[int, None] = OrderedDict()

    def match_and_store(self, token_ids: Sequence[int]) -> int:
        """Tokens at the start of the prompt that need no prefill; the prompt's own whole blocks are stored.

        At least one token is always computed, as in vLLM: the last one gives the first logits.
        """
        matched_tokens = 0
        is_matching = True
        key = 0
        for end in range(self._block_size_tokens, len(token_ids) + 1, self._block_size_tokens):
            key = hash((key, tuple(token_ids[end - self._block_size_tokens : end])))
            is_matching = is_matching and key in self._blocks and end < len(token_ids)
            if is_matching:
                matched_tokens = end
            self._blocks[key] = None
            self._blocks.move_to_end(key)
        while len(self._blocks) > self._capacity_blocks:
            self._blocks.popitem(last=False)
        return matched_tokens
