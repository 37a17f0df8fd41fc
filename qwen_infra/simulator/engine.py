"""The scheduler on asyncio's clock: requests go in, tokens are granted when they are due, metrics are counted.

No HTTP and no text: a ticket only says how many tokens there are.
"""

import asyncio
from collections.abc import Sequence

from qwen_infra.simulator.faults import FaultSwitch
from qwen_infra.simulator.metrics import EngineMetrics, Gauges
from qwen_infra.simulator.prefix_cache import PrefixCache
from qwen_infra.simulator.profile import TimingProfile
from qwen_infra.simulator.scheduling import Scheduler, SequenceState

__all__ = ["Engine", "Ticket"]

SLOW_FACTOR = 10.0
"""What the faults slow-tokens and slow-first-token multiply by."""


LATE_S = 1.0
"""When the machine is this far behind the schedule, several tokens are granted at once, and the streams merge them."""

MAX_CATCH_UP_ROUNDS = 64


class Ticket:
    """A request inside the engine, as its stream sees it."""

    __slots__ = ("_waiter", "_wanted_tokens", "finish_reason", "granted_tokens", "sequence")

    def __init__(self, sequence: SequenceState, finish_reason: str) -> None:
        self.sequence = sequence
        self.finish_reason = finish_reason
        self.granted_tokens = 0
        self._wanted_tokens = 1
        self._waiter: asyncio.Future[None] | None = None

    def grant(self) -> None:
        """One more token is there."""
        self.granted_tokens += 1
        if self._waiter is not None and self.granted_tokens >= self._wanted_tokens and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait_for(self, tokens: int) -> int:
        """Wait until at least ``tokens`` tokens are there; how many there are. One caller at a time."""
        if self.granted_tokens < tokens:
            self._wanted_tokens = tokens
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self.granted_tokens


class Engine:
    """Runs the profile in real time, ``time_scale`` times as long (0.1 is ten times faster).

    Needs a running event loop, and no task of its own: one timer is armed for the next token that is due.
    """

    def __init__(
        self,
        profile: TimingProfile,
        metrics: EngineMetrics,
        faults: FaultSwitch,
        *,
        max_model_len: int,
        time_scale: float = 1.0,
        seed: int = 0,
    ) -> None:
        self._profile = profile
        self._metrics = metrics
        self._faults = faults
        self._time_scale = time_scale
        self._scheduler = Scheduler(profile, max_model_len=max_model_len, seed=seed)
        self._prefix_cache = PrefixCache(profile.cache.block_size_tokens, profile.cache.num_gpu_blocks)
        self._tickets: dict[SequenceState, Ticket] = {}
        self._timer: asyncio.Handle | None = None
        self._timer_due_s = 0.0

    def submit(
        self, prompt_ids: Sequence[int], output_tokens: int | None, finish_reason: str, *, arrived_s: float
    ) -> Ticket:
        """Queue a request.

        Args:
            prompt_ids: the prompt.
            output_tokens: length of the answer; None for one that never ends.
            finish_reason: what the metrics count it as.
            arrived_s: when it came, on the event loop's clock; its times count from there and not from after parsing.
        """
        cached_tokens = 0
        if self._profile.cache.prefix_caching:
            cached_tokens = self._prefix_cache.match_and_store(prompt_ids)
            self._metrics.add("prefix_cache_queries", len(prompt_ids))
            self._metrics.add("prefix_cache_hits", cached_tokens)
        sequence = SequenceState(len(prompt_ids), output_tokens, cached_tokens)
        ticket = Ticket(sequence, finish_reason)
        self._tickets[sequence] = ticket
        self._apply_slow_faults()
        self._scheduler.submit(sequence, arrived_s / self._time_scale)
        self._arm()
        return ticket

    def close(self, ticket: Ticket) -> None:
        """The request's stream is over, complete or not; an unfinished request is aborted."""
        if ticket.sequence not in self._tickets or self._faults.is_active("leaked-requests"):
            return
        del self._tickets[ticket.sequence]
        self._scheduler.abort(ticket.sequence, self._now_s())
        self._metrics.count_finished("abort")
        self._arm()

    def read_gauges(self) -> Gauges:
        """What runs and waits now."""
        now_s = self._now_s()
        return Gauges(
            running=self._scheduler.count_running(now_s),
            waiting=self._scheduler.count_waiting(now_s),
            kv_cache_usage=self._scheduler.used_blocks / self._profile.cache.num_gpu_blocks,
        )

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time() / self._time_scale

    def _apply_slow_faults(self) -> None:
        self._scheduler.decode_slowdown = SLOW_FACTOR if self._faults.is_active("slow-tokens") else 1.0
        self._scheduler.prefill_slowdown = SLOW_FACTOR if self._faults.is_active("slow-first-token") else 1.0

    def _arm(self) -> None:
        due_s = self._scheduler.next_due_s()
        if self._timer is not None:
            if due_s is not None and self._timer_due_s <= due_s:
                return
            self._timer.cancel()
            self._timer = None
        if due_s is None:
            return
        loop = asyncio.get_running_loop()
        self._timer_due_s = due_s
        at_s = due_s * self._time_scale
        self._timer = loop.call_soon(self._hop) if at_s <= loop.time() else loop.call_at(at_s, self._fire)

    def _hop(self) -> None:
        # One turn of the loop in which every stream waits: anyio cancels a task only while it waits for something
        # that is not done yet, so without this turn a hang-up would never reach a stream that is always overdue.
        self._timer = asyncio.get_running_loop().call_soon(self._fire)

    def _fire(self) -> None:
        self._timer = None
        self._apply_slow_faults()
        now_s = self._now_s()
        for _ in range(MAX_CATCH_UP_ROUNDS):
            for sequence in self._scheduler.advance(now_s):
                ticket = self._tickets[sequence]
                self._record(ticket)
                ticket.grant()
            due_s = self._scheduler.next_due_s()
            is_late = due_s is not None and (now_s - due_s) * self._time_scale > LATE_S
            if not (is_late and self._profile.is_paced):
                break
        self._arm()

    def _record(self, ticket: Ticket) -> None:
        sequence, metrics, scale = ticket.sequence, self._metrics, self._time_scale
        metrics.add("generation_tokens", 1)
        if sequence.produced_tokens == 1:
            metrics.add("prompt_tokens", sequence.prompt_tokens)
            metrics.add("prompt_tokens_cached", sequence.cached_tokens)
            metrics.observe("time_to_first_token_seconds", (sequence.token_s - sequence.submitted_s) * scale)
        else:
            metrics.observe_token_gap((sequence.token_s - sequence.previous_s) * scale)
        if sequence.is_finished:
            del self._tickets[sequence]
            self._record_finished(ticket)

    def _record_finished(self, ticket: Ticket) -> None:
        sequence, metrics, scale = ticket.sequence, self._metrics, self._time_scale
        first_s = sequence.first_token_s or 0.0
        decode_s = (sequence.token_s - first_s) * scale
        metrics.count_finished(ticket.finish_reason)
        metrics.observe("e2e_request_latency_seconds", (sequence.token_s - sequence.submitted_s) * scale)
        metrics.observe("request_queue_time_seconds", (sequence.prefill_start_s - sequence.submitted_s) * scale)
        metrics.observe("request_prefill_time_seconds", (first_s - sequence.prefill_start_s) * scale)
        metrics.observe("request_decode_time_seconds", decode_s)
        metrics.observe("request_inference_time_seconds", (sequence.token_s - sequence.prefill_start_s) * scale)
        metrics.observe("request_prompt_tokens", sequence.prompt_tokens)
        metrics.observe("request_generation_tokens", sequence.produced_tokens)
        if sequence.produced_tokens > 1:
            metrics.observe("request_time_per_output_token_seconds", decode_s / (sequence.produced_tokens - 1))
