"""When each token of each request appears: pure arithmetic over a profile, driven by whatever clock the caller has.

No asyncio, no wall clock, no HTTP. Times are seconds on the simulated engine's clock, and absolute, so nothing drifts.
"""

import math
from collections import deque
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random

from qwen_infra.simulator.profile import TimingProfile

__all__ = ["Scheduler", "SequenceState"]

GOLDEN_RATIO_FRACTION = 0.6180339887498949
"""Steps of this size fill the interval 0 to 1 evenly: already 32 draws have the profile's mean and percentiles."""


@dataclass(slots=True, eq=False)
class SequenceState:
    """One request inside the engine.

    ``output_tokens`` is None for a request that never ends by itself. ``due_s`` is when its next token appears,
    ``token_s`` when the newest one did, ``previous_s`` when the one before.
    """

    prompt_tokens: int
    output_tokens: int | None
    cached_tokens: int = 0
    submitted_s: float = 0.0
    prefill_start_s: float = math.inf
    due_s: float = 0.0
    token_s: float = 0.0
    previous_s: float = 0.0
    first_token_s: float | None = None
    produced_tokens: int = 0
    blocks: int = 0
    is_live: bool = False
    seen_stall_s: float = 0.0

    @property
    def is_finished(self) -> bool:
        """Whether its last token has appeared."""
        return self.output_tokens is not None and self.produced_tokens >= self.output_tokens


class Scheduler:
    """Admits, prefills and decodes by the profile.

    Args:
        profile: the speeds and the size of the KV cache.
        max_model_len: context length; a request without end holds the blocks of a full one.
        seed: of the jitter.
    """

    def __init__(self, profile: TimingProfile, *, max_model_len: int, seed: int = 0) -> None:
        self._profile = profile
        self._max_model_len = max_model_len
        self._random = Random(seed)
        self._first_token_share = self._random.random()
        self._order = 0
        self._due: list[tuple[float, int, SequenceState]] = []
        self._waiting: deque[SequenceState] = deque()
        self._running: set[SequenceState] = set()
        self._prefill_free_s = 0.0
        self._stall_total_s = 0.0
        self._stall_debt_tokens = 0
        self.used_blocks = 0
        self.prefill_slowdown = 1.0
        self.decode_slowdown = 1.0

    @property
    def is_idle(self) -> bool:
        """Whether no request is waiting or running."""
        return not self._running and not self._waiting

    def count_running(self, now_s: float) -> int:
        """Requests being prefilled or decoded at ``now_s``."""
        return sum(1 for sequence in self._running if sequence.prefill_start_s <= now_s)

    def count_waiting(self, now_s: float) -> int:
        """Requests not admitted yet, or admitted and behind other prompts."""
        return len(self._waiting) + len(self._running) - self.count_running(now_s)

    def submit(self, sequence: SequenceState, now_s: float) -> None:
        """Queue a request that arrives at ``now_s``."""
        sequence.submitted_s = now_s
        total = self._max_model_len
        if sequence.output_tokens is not None:
            total = min(total, sequence.prompt_tokens + sequence.output_tokens)
        # A request larger than the whole cache still has to run alone, or it would wait for ever.
        sequence.blocks = min(self._profile.cache.blocks_for(total), self._profile.cache.num_gpu_blocks)
        self._waiting.append(sequence)
        self._admit(now_s)

    def abort(self, sequence: SequenceState, now_s: float) -> None:
        """Forget a request whose client has gone; its blocks are free at once."""
        if sequence.is_live:
            self._release(sequence, now_s)
        elif sequence in self._waiting:
            self._waiting.remove(sequence)

    def next_due_s(self) -> float | None:
        """When something appears next; None while the engine is idle."""
        while self._due and not self._due[0][2].is_live:
            heappop(self._due)
        return self._due[0][0] if self._due else None

    def advance(self, now_s: float) -> list[SequenceState]:
        """Every request that got one token by ``now_s``, in order; at most one token each, call again for more."""
        due: list[SequenceState] = []
        while self._due and self._due[0][0] <= now_s:
            due.append(heappop(self._due)[2])
        return [sequence for sequence in due if sequence.is_live and self._emit(sequence, now_s)]

    def _emit(self, sequence: SequenceState, now_s: float) -> bool:
        stalled_s = self._stall_total_s - sequence.seen_stall_s
        if stalled_s > 0 and sequence.produced_tokens:
            sequence.seen_stall_s = self._stall_total_s
            sequence.due_s += stalled_s
            if sequence.due_s > now_s:
                self._push(sequence)
                return False
        sequence.previous_s, sequence.token_s = sequence.token_s, sequence.due_s
        sequence.produced_tokens += 1
        if sequence.first_token_s is None:
            sequence.first_token_s = sequence.token_s
            self._stall_others(sequence.prompt_tokens - sequence.cached_tokens)
            sequence.seen_stall_s = self._stall_total_s
        if sequence.is_finished:
            self._release(sequence, sequence.token_s)
        else:
            sequence.due_s = sequence.token_s + self._step_s()
            self._push(sequence)
        return True

    def _step_s(self) -> float:
        decode = self._profile.decode
        step_ms = decode.base_ms + decode.per_running_ms * len(self._running)
        return step_ms / 1000 * decode.jitter.factor_at(self._random.random()) * self.decode_slowdown

    def _stall_others(self, prompt_tokens: int) -> None:
        interference = self._profile.interference
        self._stall_debt_tokens += prompt_tokens
        if self._stall_debt_tokens >= interference.batch_tokens:
            self._stall_total_s += self._stall_debt_tokens * interference.stall_ms_per_1000_prompt_tokens / 1e6
            self._stall_debt_tokens = 0

    def _admit(self, now_s: float) -> None:
        cache = self._profile.cache
        while (
            self._waiting
            and len(self._running) < self._profile.max_num_seqs
            and self.used_blocks + self._waiting[0].blocks <= cache.num_gpu_blocks
        ):
            sequence = self._waiting.popleft()
            self.used_blocks += sequence.blocks
            self._running.add(sequence)
            sequence.is_live = True
            self._schedule_first_token(sequence, now_s)

    def _schedule_first_token(self, sequence: SequenceState, now_s: float) -> None:
        prefill = self._profile.prefill
        tokens = sequence.prompt_tokens - sequence.cached_tokens
        if len(self._running) == 1:
            self._stall_debt_tokens = 0  # nobody else is running, so nothing gathered so far can stall anybody
        sequence.prefill_start_s = max(now_s, self._prefill_free_s)
        shared_s = tokens / prefill.shared_tokens_per_s if prefill.shared_tokens_per_s else 0.0
        own_s = prefill.base_ms / 1000 + (tokens / prefill.tokens_per_s if prefill.tokens_per_s else 0.0)
        self._prefill_free_s = sequence.prefill_start_s + shared_s * self.prefill_slowdown
        self._first_token_share = (self._first_token_share + GOLDEN_RATIO_FRACTION) % 1.0
        factor = prefill.jitter.factor_at(self._first_token_share)
        sequence.due_s = self._prefill_free_s + own_s * factor * self.prefill_slowdown
        self._push(sequence)

    def _push(self, sequence: SequenceState) -> None:
        self._order += 1
        heappush(self._due, (sequence.due_s, self._order, sequence))

    def _release(self, sequence: SequenceState, now_s: float) -> None:
        sequence.is_live = False
        self._running.discard(sequence)
        self.used_blocks -= sequence.blocks
        self._admit(now_s)
