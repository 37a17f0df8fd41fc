"""One benchmark from start to result: ask what answers, make prompts, warm up, load, compute.

The pieces hold the substance; here is only their order, and what a run that ends early still reports.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from qwen_infra.benchmark.arrivals import schedule_arrivals
from qwen_infra.benchmark.assemble import RunRecord, Setting, build_result
from qwen_infra.benchmark.definitions import PERCENTILES
from qwen_infra.benchmark.interrupt import stop_on_interrupt
from qwen_infra.benchmark.load import LoadOutcome, LoadPlan, generate_load
from qwen_infra.benchmark.prompts import PromptSet, prepare_prompts
from qwen_infra.benchmark.result import BenchmarkResult, DeploymentFacts, ReachedBy
from qwen_infra.benchmark.server_side import ServerWatch
from qwen_infra.benchmark.trace import RequestTrace
from qwen_infra.benchmark.workload import Workload
from qwen_infra.client import (
    ClusterFacts,
    ConnectionFailedError,
    Deadlines,
    Endpoint,
    EndpointError,
    InferenceClient,
    LoadClient,
    ServerFacts,
    StreamingClient,
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
        deployment: what the caller knows about the server, for the result.
        tokenizer: a model's folder, for chat prompts of an exact length; None asks the server.
        percentiles: which are reported beside the usual ones.
        deadline_s: of each repeat's load; what was measured by then is kept.
        request_deadlines: of each request.
        stop: when set, the run ends and what was measured is kept.
        stop_on_ctrl_c: whether an interrupt (SIGINT) does the same while the load runs.
        keep_traces: called with the traces of the reported repeat, for whoever wants every request.
    """

    reached_by: ReachedBy = "direct"
    cluster: ClusterFacts = field(default_factory=ClusterFacts)
    deployment: DeploymentFacts = field(default_factory=DeploymentFacts)
    tokenizer: Path | None = None
    percentiles: tuple[float, ...] = PERCENTILES
    deadline_s: float = 1800.0
    request_deadlines: Deadlines = _PATIENT
    stop: asyncio.Event | None = None
    stop_on_ctrl_c: bool = False
    keep_traces: Callable[[Sequence[RequestTrace]], None] = lambda _: None


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
    async with InferenceClient(endpoint, deadlines=_QUICK) as client, LoadClient(endpoint) as load_client:
        progress("asking the server what it is")
        await client.get_json("/v1/models")  # an unreachable server or a wrong key ends the run here, with its reason
        server = await fetch_server_facts(client)
        _check_fit(server, workload, endpoint.model)
        progress("making prompts")
        prompts = await prepare_prompts(client, workload, vocabulary_size=vocabulary_size, tokenizer=chosen.tokenizer)
        await _warm_up(load_client, workload, prompts, chosen, progress)
        started_at = datetime.now(UTC)
        records = await _run_repeats(client, load_client, prompts, chosen, progress)
        ended_because = records[-1].outcome.stopped_because or await _find_death(client, records[-1].outcome.traces)
    setting = Setting(
        workload=workload,
        model=endpoint.model,
        prompts=prompts.source,
        provenance=derive_provenance(server, model=endpoint.model, cluster=chosen.cluster),
        deployment=chosen.deployment,
        reached_by=chosen.reached_by,
        percentiles=chosen.percentiles,
        started_at=started_at,
    )
    result, reported = build_result(setting, records, partial_because=ended_because)
    chosen.keep_traces(reported.outcome.traces)
    return result


async def _run_repeats(
    client: InferenceClient,
    load_client: StreamingClient,
    prompts: PromptSet,
    options: BenchmarkOptions,
    progress: Callable[[str], None],
) -> list[RunRecord]:
    """Each repeat with a seed of its own, so that no prefix cache flatters the second; the last may be cut short."""
    workload = prompts.workload
    stop = options.stop or asyncio.Event()
    records: list[RunRecord] = []
    for number in range(workload.repeats):
        seed = workload.seed + number
        plan = _plan_load(prompts, seed, options)

        def tell(line: str, number: int = number) -> None:
            progress(f"repeat {number + 1} of {workload.repeats}: {line}" if workload.repeats > 1 else line)

        with stop_on_interrupt(stop) if options.stop_on_ctrl_c else nullcontext():
            async with ServerWatch(client) as watch:
                cpu_s = time.process_time()
                outcome = await generate_load(load_client, plan, stop=stop, progress=tell)
                cpu_s = time.process_time() - cpu_s
        records.append(RunRecord(seed, outcome, watch.result, cpu_s / max(outcome.duration_s, 1e-9)))
        if outcome.stopped_because is not None or _has_nothing(outcome):
            break
    return records


def _has_nothing(outcome: LoadOutcome) -> bool:
    return not any(trace.is_completed for trace in outcome.traces)


def _check_fit(server: ServerFacts, workload: Workload, model: str) -> None:
    listed = server.models.get("data") if isinstance(server.models, dict) else None
    if isinstance(listed, list) and server.find_card(model) is None:
        names = ", ".join(str(card.get("id")) for card in listed if isinstance(card, dict))
        raise ConfigurationError(f"the server does not serve {model}", found=names or "no model", expected=model)
    longest = server.max_model_len(model)
    if longest is not None and workload.longest_context > longest:
        raise ConfigurationError(
            f"workload {workload.name} needs a longer context than the server has",
            found=_say_context(workload),
            expected=f"at most {longest}",
            mend="shorten the prompts or answers, or raise the server's context length",
        )


def _say_context(workload: Workload) -> str:
    parts = f"{workload.input_tokens} + {workload.output_tokens}"
    if workload.turns > 1:
        parts += f" + {workload.turns - 1} x ({workload.turn_tokens} + {workload.output_tokens})"
    spread = f" and {workload.length_spread:.0%}" if workload.length_spread else ""
    return f"{parts}{spread} = {workload.longest_context} tokens"


def _plan_load(prompts: PromptSet, seed: int, options: BenchmarkOptions) -> LoadPlan:
    workload = prompts.workload
    return LoadPlan(
        path=prompts.path,
        sessions=prompts.build_sessions(count=workload.num_prompts, seed=seed),
        send_times_s=schedule_arrivals(workload, seed=seed),
        deadlines=options.request_deadlines,
        deadline_s=options.deadline_s,
        max_concurrency=workload.max_concurrency,
        concurrency_ramp_s=workload.concurrency_ramp_s,
        turn_pause_s=workload.turn_pause_s,
    )


async def _warm_up(
    client: StreamingClient,
    workload: Workload,
    prompts: PromptSet,
    options: BenchmarkOptions,
    progress: Callable[[str], None],
) -> None:
    """Send short requests with prompts of the same length and other content, one after the other.

    Raises:
        EndpointError: the server does not answer one, so that measuring would be of no use.
    """
    short = workload.model_copy(update={"output_tokens": min(workload.output_tokens, _WARMUP_OUTPUT_TOKENS)})
    sessions = prompts.with_workload(short).build_sessions(
        count=workload.warmup_requests, seed=workload.seed, purpose="warm up"
    )
    for number, session in enumerate(sessions, start=1):
        progress(f"warming up, request {number} of {len(sessions)}")
        await client.stream(prompts.path, session.first, lambda _at, _data: None, deadlines=options.request_deadlines)


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
