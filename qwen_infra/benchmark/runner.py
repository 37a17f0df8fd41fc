"""One benchmark from start to result: ask what answers, make prompts, warm up, load, compute.

The pieces hold the substance; here is only their order, and what a run that ends early still reports.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime

from qwen_infra.benchmark.arrivals import schedule_arrivals
from qwen_infra.benchmark.interrupt import stop_on_interrupt
from qwen_infra.benchmark.load import LoadOutcome, LoadPlan, generate_load
from qwen_infra.benchmark.metrics import compute_figures
from qwen_infra.benchmark.prompts import Vocabulary, build_bodies, find_vocabulary
from qwen_infra.benchmark.result import BenchmarkResult, ReachedBy
from qwen_infra.benchmark.trace import UNFINISHED, RequestTrace
from qwen_infra.benchmark.workload import Workload
from qwen_infra.client import (
    ClusterFacts,
    ConnectionFailedError,
    Deadlines,
    Endpoint,
    EndpointError,
    InferenceClient,
    Provenance,
    ServerFacts,
    derive_provenance,
    fetch_server_facts,
)
from qwen_infra.errors import ConfigurationError

__all__ = ["BenchmarkOptions", "run_benchmark"]

_WARMUP_OUTPUT_TOKENS = 16
_QUICK = Deadlines.for_whole_answer(30.0)
_PATIENT = Deadlines(first_byte_s=600.0, between_chunks_s=120.0, total_s=3600.0)


@dataclass(frozen=True, slots=True)
class BenchmarkOptions:
    """How a benchmark is run and described, beside its workload.

    Args:
        reached_by: how the URL reaches the server, for the result.
        cluster: what the caller knows about the nodes, for the provenance.
        deadline_s: of the whole load; what was measured by then is kept.
        request_deadlines: of each request.
        stop: when set, the run ends and what was measured is kept.
        stop_on_ctrl_c: whether an interrupt (SIGINT) does the same while the load runs.
    """

    reached_by: ReachedBy = "direct"
    cluster: ClusterFacts = field(default_factory=ClusterFacts)
    deadline_s: float = 1800.0
    request_deadlines: Deadlines = _PATIENT
    stop: asyncio.Event | None = None
    stop_on_ctrl_c: bool = False


async def run_benchmark(
    endpoint: Endpoint,
    workload: Workload,
    *,
    vocabulary_size: int | None,
    progress: Callable[[str], None] = lambda _: None,
    options: BenchmarkOptions | None = None,
) -> BenchmarkResult:
    """Run ``workload`` against ``endpoint``.

    Args:
        endpoint: the server to measure.
        workload: what to send.
        vocabulary_size: the model's, from the catalogue; None when unknown.
        progress: called with a short line about once a second.
        options: everything else.

    Returns:
        The result; failed requests and an early end are marked in it, not raised.

    Raises:
        ConfigurationError: the workload does not fit the server (its context, its model).
        EndpointError: the server was of no use before the load began.
    """
    chosen = options or BenchmarkOptions()
    async with InferenceClient(endpoint, deadlines=_QUICK) as client:
        progress("asking the server what it is")
        await client.get_json("/v1/models")  # an unreachable server or a wrong key ends the run here, with its reason
        server = await fetch_server_facts(client)
        _check_fit(server, workload, endpoint.model)
        vocabulary = await find_vocabulary(client, vocabulary_size)
        await _warm_up(client, workload, vocabulary, chosen, progress)
        plan = _plan_load(workload, vocabulary, endpoint.model, chosen)
        stop = chosen.stop or asyncio.Event()
        started_at = datetime.now(UTC)
        with stop_on_interrupt(stop) if chosen.stop_on_ctrl_c else nullcontext():
            outcome = await generate_load(client, plan, stop=stop, progress=progress)
        ended_because = outcome.stopped_because or await _find_death(client, outcome.traces)
    return _build_result(
        _Setting(workload, vocabulary, derive_provenance(server, model=endpoint.model, cluster=chosen.cluster), chosen),
        outcome,
        model=endpoint.model,
        started_at=started_at,
        partial_because=ended_because,
    )


def _check_fit(server: ServerFacts, workload: Workload, model: str) -> None:
    listed = server.models.get("data") if isinstance(server.models, dict) else None
    if isinstance(listed, list) and server.find_card(model) is None:
        names = ", ".join(str(card.get("id")) for card in listed if isinstance(card, dict))
        raise ConfigurationError(f"the server does not serve {model}", found=names or "no model", expected=model)
    longest = server.max_model_len(model)
    needed = workload.input_tokens + workload.output_tokens
    if longest is not None and needed > longest:
        raise ConfigurationError(
            f"workload {workload.name} needs a longer context than the server has",
            found=f"{workload.input_tokens} + {workload.output_tokens} = {needed} tokens",
            expected=f"at most {longest}",
            mend="shorten the prompts or answers, or raise the server's context length",
        )


def _plan_load(workload: Workload, vocabulary: Vocabulary, model: str, options: BenchmarkOptions) -> LoadPlan:
    return LoadPlan(
        bodies=build_bodies(workload, vocabulary, model=model, count=workload.num_prompts),
        send_times_s=schedule_arrivals(
            workload.num_prompts, rate=workload.request_rate, burstiness=workload.burstiness, seed=workload.seed
        ),
        prompt_tokens=workload.input_tokens,
        max_concurrency=workload.max_concurrency,
        deadlines=options.request_deadlines,
        deadline_s=options.deadline_s,
    )


async def _warm_up(
    client: InferenceClient,
    workload: Workload,
    vocabulary: Vocabulary,
    options: BenchmarkOptions,
    progress: Callable[[str], None],
) -> None:
    """Send short requests with prompts of the same length and other content, one after the other.

    Raises:
        EndpointError: the server does not answer one, so that measuring would be of no use.
    """
    short = workload.model_copy(update={"output_tokens": min(workload.output_tokens, _WARMUP_OUTPUT_TOKENS)})
    bodies = build_bodies(
        short, vocabulary, model=client.endpoint.model, count=workload.warmup_requests, purpose="warm up"
    )
    for number, body in enumerate(bodies, start=1):
        progress(f"warming up, request {number} of {len(bodies)}")
        await client.stream("/v1/completions", body, lambda _at, _data: None, deadlines=options.request_deadlines)


async def _find_death(client: InferenceClient, traces: Sequence[RequestTrace]) -> str | None:
    """Why the server can answer nothing more, when requests failed and it is indeed dead; None otherwise."""
    if all(trace.is_completed for trace in traces):
        return None
    try:
        await client.get_json("/v1/models", deadlines=Deadlines.for_whole_answer(10.0))
    except ConnectionFailedError as error:
        return f"the server is gone: {error.what}"
    except EndpointError as error:
        return f"the server no longer answers rightly: {error.what}"
    return None


@dataclass(frozen=True, slots=True)
class _Setting:
    workload: Workload
    vocabulary: Vocabulary
    provenance: Provenance
    options: BenchmarkOptions


def _build_result(
    setting: _Setting, outcome: LoadOutcome, *, model: str, started_at: datetime, partial_because: str | None
) -> BenchmarkResult:
    figures = compute_figures(outcome.traces, duration_s=outcome.duration_s)
    errors, examples = _count_errors(outcome.traces)
    workload = setting.workload
    return BenchmarkResult(
        **figures.model_dump(),
        date=started_at.strftime("%Y%m%d-%H%M%S"),
        model_id=model,
        num_prompts=workload.num_prompts,
        request_rate=workload.request_rate or "inf",
        burstiness=workload.burstiness,
        max_concurrency=workload.max_concurrency,
        started_at=started_at,
        workload=workload,
        prompts=setting.vocabulary.source,
        reached_by=setting.options.reached_by,
        provenance=setting.provenance,
        simulated=setting.provenance.simulated,
        partial=partial_because is not None,
        partial_because=partial_because,
        errors=errors,
        error_examples=examples,
        notes=_find_notes(workload, outcome.traces),
    )


def _count_errors(traces: Sequence[RequestTrace]) -> tuple[dict[str, int], dict[str, str]]:
    counts: dict[str, int] = {}
    examples: dict[str, str] = {}
    for trace in traces:
        if trace.error_kind is not None and trace.error_kind != UNFINISHED:
            counts[trace.error_kind] = counts.get(trace.error_kind, 0) + 1
            examples.setdefault(trace.error_kind, trace.error)
    return counts, examples


def _find_notes(workload: Workload, traces: Sequence[RequestTrace]) -> tuple[str, ...]:
    completed = [trace for trace in traces if trace.is_completed]
    notes: list[str] = []
    uncounted = sum(trace.output_tokens is None for trace in completed)
    if uncounted:
        notes.append(f"{uncounted} answers came without usage; their chunks were counted as tokens")
    if any(trace.prompt_tokens != workload.input_tokens for trace in completed):
        notes.append(f"the server counted prompts of other lengths than {workload.input_tokens} tokens")
    if workload.ignore_eos and any(trace.output_length != workload.output_tokens for trace in completed):
        notes.append(f"some answers were not {workload.output_tokens} tokens long although EOS was to be ignored")
    return tuple(notes)
