"""What the server itself says of a run: ``/metrics`` before, during and after, and where it disagrees with the client.

Names are vLLM's (``vllm/v1/metrics/loggers.py`` 0.32). Counters and histograms are summed over a server's engines; a
server that lacks one gives None for what needs it.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

from pydantic import BaseModel, ConfigDict

from qwen_infra.benchmark.figures import Figures
from qwen_infra.client import Deadlines, EndpointError, InferenceClient

__all__ = ["ServerSide", "ServerWatch", "compare_with_server", "derive_server_side", "read_samples"]

_SAMPLE_EVERY_S = 2.0
_QUICK = Deadlines.for_whole_answer(10.0)
_RUNNING, _WAITING, _KV_USAGE = "vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc"
_GAUGES = (_RUNNING, _WAITING, _KV_USAGE)

Samples = Mapping[str, float]


class ServerSide(BaseModel):
    """The server's own figures of the run, from the growth of its counters; keys have a definition each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    server_queue_ms: float | None = None
    server_ttft_ms: float | None = None
    server_tpot_ms: float | None = None
    server_e2el_ms: float | None = None
    server_preemptions: float | None = None
    server_prefix_hit_rate: float | None = None
    server_acceptance_rate: float | None = None
    server_acceptance_length: float | None = None
    server_peak_kv_usage: float | None = None
    server_peak_waiting: float | None = None
    server_peak_running: float | None = None
    requests_finished: float | None = None
    prompt_tokens: float | None = None
    generation_tokens: float | None = None


class ServerWatch:
    """Reads ``/metrics`` before and after the block, and its gauges every two seconds within; never raises.

    ``result`` is None when the server has no metrics, or they went backwards (it restarted, or another replica
    answered).
    """

    def __init__(self, client: InferenceClient) -> None:
        self._client = client
        self._before: Samples | None = None
        self._peaks: dict[str, float] = {}
        self._sampler: asyncio.Task[None] | None = None
        self.result: ServerSide | None = None

    async def __aenter__(self) -> Self:
        self._before = await self._read(lambda text: read_samples(text))
        if self._before is not None:
            self._sampler = asyncio.create_task(self._sample())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sampler is None or self._before is None:
            return
        self._sampler.cancel()
        with suppress(asyncio.CancelledError):
            await self._sampler
        after = await self._read(lambda text: read_samples(text))
        if after is not None:
            self.result = derive_server_side(self._before, after, self._peaks)

    async def _sample(self) -> None:
        while True:
            await asyncio.sleep(_SAMPLE_EVERY_S)
            gauges = await self._read(lambda text: read_samples(text, only=_GAUGES))
            for name, value in (gauges or {}).items():
                self._peaks[name] = max(value, self._peaks.get(name, 0.0))

    async def _read(self, parse: Callable[[str], Samples]) -> Samples | None:
        try:
            text = await self._client.get_text("/metrics", deadlines=_QUICK)
        except EndpointError:
            return None
        return parse(text) or None


def read_samples(text: str, *, only: tuple[str, ...] | None = None) -> dict[str, float]:
    """Sum of every ``vllm:`` sample by name, whatever its labels; buckets are left out, unreadable lines passed over.

    The Prometheus text format, of which only names and values matter here.
    """
    sums: dict[str, float] = {}
    for line in text.splitlines():
        if not line.startswith("vllm:") or "_bucket{" in line:
            continue
        name = line.partition("{")[0].partition(" ")[0]
        if only is not None and name not in only:
            continue
        try:
            value = float(line.rpartition("}")[2].split()[0] if "}" in line else line.split()[1])
        except (ValueError, IndexError):
            continue
        sums[name] = sums.get(name, 0.0) + value
    return sums


def derive_server_side(before: Samples, after: Samples, peaks: Samples) -> ServerSide | None:
    """The growth between two readings; None when a counter went backwards."""

    def grown(name: str) -> float | None:
        found = after.get(name, after.get(f"{name}_total"))
        return None if found is None else found - before.get(name, before.get(f"{name}_total", 0.0))

    def mean_ms(name: str) -> float | None:
        value = _divide(grown(f"{name}_sum"), grown(f"{name}_count"))
        return None if value is None else value * 1000

    counters = ("vllm:generation_tokens", "vllm:prompt_tokens", "vllm:request_success")
    if any((grown(name) or 0.0) < 0 for name in counters):
        return None
    accepted, drafts = grown("vllm:spec_decode_num_accepted_tokens"), grown("vllm:spec_decode_num_drafts")
    extra = _divide(accepted, drafts)
    return ServerSide(
        server_queue_ms=mean_ms("vllm:request_queue_time_seconds"),
        server_ttft_ms=mean_ms("vllm:time_to_first_token_seconds"),
        server_tpot_ms=mean_ms("vllm:request_time_per_output_token_seconds"),
        server_e2el_ms=mean_ms("vllm:e2e_request_latency_seconds"),
        server_preemptions=grown("vllm:num_preemptions"),
        server_prefix_hit_rate=_divide(grown("vllm:prefix_cache_hits"), grown("vllm:prefix_cache_queries")),
        server_acceptance_rate=_divide(accepted, grown("vllm:spec_decode_num_draft_tokens")),
        server_acceptance_length=None if extra is None else 1 + extra,
        server_peak_kv_usage=peaks.get(_KV_USAGE),
        server_peak_waiting=peaks.get(_WAITING),
        server_peak_running=peaks.get(_RUNNING),
        requests_finished=grown("vllm:request_success"),
        prompt_tokens=grown("vllm:prompt_tokens"),
        generation_tokens=grown("vllm:generation_tokens"),
    )


def compare_with_server(figures: Figures, server: ServerSide) -> list[str]:
    """A sentence for each point in which client and server disagree beyond what their places explain.

    Limits: 5 % and 1 ms of TPOT; 20 % and 50 ms of TTFT, which holds the way to the server and its reading of the
    request; 2 % of the tokens.
    """
    found = []
    if _is_apart(figures.mean_tpot_ms, server.server_tpot_ms, share=0.05, least=1.0):
        found.append(
            f"client and server disagree on TPOT: {figures.mean_tpot_ms:.1f} ms here, {server.server_tpot_ms:.1f} ms "
            "there; the client or the way to the server is the bottleneck, or others use the server"
        )
    if _is_apart(figures.mean_ttft_ms, server.server_ttft_ms, share=0.2, least=50.0):
        found.append(
            f"client and server disagree on TTFT: {figures.mean_ttft_ms:.0f} ms here, {server.server_ttft_ms:.0f} ms "
            "there; the difference is spent before a request is read, or others use the server"
        )
    tokens = server.generation_tokens
    if figures.all_answered and _is_apart(figures.total_output_tokens, tokens, share=0.02, least=2.0):
        found.append(
            f"the server generated {tokens:.0f} tokens and this client received {figures.total_output_tokens}: others "
            "use the server, or another replica answered"
        )
    if server.server_preemptions:
        found.append(f"the server preempted {server.server_preemptions:.0f} requests: its KV cache was too small")
    return found


def _is_apart(ours: float | None, theirs: float | None, *, share: float, least: float) -> bool:
    if ours is None or theirs is None:
        return False
    return abs(ours - theirs) > max(share * theirs, least)


def _divide(amount: float | None, by: float | None) -> float | None:
    return amount / by if amount is not None and by else None
