"""From what was recorded of each repeat to one result; pure.

The figures of a result are those of one real repeat, the one with the median output throughput, so that they belong
together; the others are kept beside it as the noise band.
"""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

from qwen_infra import __version__
from qwen_infra.benchmark.definitions import find_definition
from qwen_infra.benchmark.figures import Figures
from qwen_infra.benchmark.load import LoadOutcome
from qwen_infra.benchmark.metrics import compute_distributions, compute_figures
from qwen_infra.benchmark.result import BenchmarkResult, DeploymentFacts, ReachedBy, Repeat, Versions
from qwen_infra.benchmark.server_side import ServerSide, compare_with_server
from qwen_infra.benchmark.timeline import build_timeline
from qwen_infra.benchmark.trace import UNFINISHED, RequestTrace
from qwen_infra.benchmark.workload import Workload
from qwen_infra.client import Provenance

__all__ = ["RunRecord", "Setting", "build_result", "pick_median"]

_BUSY_CLIENT = 0.8


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One repeat."""

    seed: int
    outcome: LoadOutcome
    server: ServerSide | None
    cpu_share: float


@dataclass(frozen=True, slots=True)
class Setting:
    """What all repeats share; the fields are those of ``BenchmarkResult``."""

    workload: Workload
    model: str
    prompts: str
    provenance: Provenance
    deployment: DeploymentFacts
    reached_by: ReachedBy
    percentiles: tuple[float, ...]
    started_at: datetime


def build_result(
    setting: Setting, records: Sequence[RunRecord], *, partial_because: str | None
) -> tuple[BenchmarkResult, RunRecord]:
    """The result of at least one repeat, and the repeat whose figures it reports."""
    workload = setting.workload
    figures = [_compute(setting, record) for record in records]
    place = pick_median([found.output_throughput or 0.0 for found in figures])
    record, reported = records[place], figures[place]
    if partial_because is not None:
        record, reported = records[-1], figures[-1]
    completed = [trace for trace in record.outcome.traces if trace.is_completed]
    errors, examples = _count_errors(record.outcome.traces)
    result = BenchmarkResult(
        **reported.model_dump(),
        date=setting.started_at.strftime("%Y%m%d-%H%M%S"),
        backend="openai-chat" if workload.api == "chat" else "openai",
        model_id=setting.model,
        num_prompts=workload.num_prompts,
        request_rate=workload.request_rate or "inf",
        burstiness=workload.burstiness or "inf",
        max_concurrency=workload.max_concurrency,
        started_at=setting.started_at,
        workload=workload,
        prompts=setting.prompts,
        reached_by=setting.reached_by,
        provenance=setting.provenance,
        simulated=setting.provenance.simulated,
        deployment=setting.deployment,
        versions=Versions(tool=__version__, python=platform.python_version(), client=f"aiohttp {version('aiohttp')}"),
        timeline=build_timeline(completed),
        distributions=compute_distributions(completed),
        server=record.server,
        repeats=_list_repeats(records, figures) if workload.repeats > 1 else (),
        client_cpu_share=record.cpu_share,
        partial=partial_because is not None,
        partial_because=partial_because,
        errors=errors,
        error_examples=examples,
        notes=tuple(_find_notes(setting, record, reported)),
    )
    return result, record


def _compute(setting: Setting, record: RunRecord) -> Figures:
    return compute_figures(
        record.outcome.traces,
        duration_s=record.outcome.duration_s,
        percentiles=setting.percentiles,
        goodput_ms={str(name): limit for name, limit in setting.workload.goodput.items()},
    )


def pick_median(values: Sequence[float]) -> int:
    """Place of the median value; of the lower one of two."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    return order[(len(order) - 1) // 2]


def _list_repeats(records: Sequence[RunRecord], figures: Sequence[Figures]) -> tuple[Repeat, ...]:
    return tuple(
        Repeat(
            seed=record.seed,
            figures={
                key: float(value)
                for key, value in found.model_dump().items()
                if find_definition(key) is not None and isinstance(value, int | float)
            },
        )
        for record, found in zip(records, figures, strict=True)
    )


def _count_errors(traces: Sequence[RequestTrace]) -> tuple[dict[str, int], dict[str, str]]:
    counts: dict[str, int] = {}
    examples: dict[str, str] = {}
    for trace in traces:
        if trace.error_kind is not None and trace.error_kind != UNFINISHED:
            counts[trace.error_kind] = counts.get(trace.error_kind, 0) + 1
            examples.setdefault(trace.error_kind, trace.error)
    return counts, examples


def _find_notes(setting: Setting, record: RunRecord, figures: Figures) -> list[str]:
    workload = setting.workload
    completed = [trace for trace in record.outcome.traces if trace.is_completed]
    notes: list[str] = []
    uncounted = sum(trace.output_tokens is None for trace in completed)
    if uncounted:
        notes.append(f"{uncounted} answers came without usage; their chunks were counted as tokens")
    first_turns = [trace for trace in completed if trace.turn == 0]
    is_exact = workload.prompts == "random" and not workload.length_spread
    if is_exact and any(trace.prompt_tokens != workload.input_tokens for trace in first_turns):
        notes.append(f"the server counted prompts of other lengths than {workload.input_tokens} tokens")
    if workload.ignore_eos and any(trace.output_length != trace.wanted_tokens for trace in completed):
        wanted = f"{workload.output_tokens} tokens long" if not workload.length_spread else "of the length asked for"
        notes.append(f"some answers were not {wanted} although EOS was to be ignored")
    if record.cpu_share > _BUSY_CLIENT:
        notes.append(f"the load generator used {record.cpu_share:.0%} of a core: it may be what was measured")
    if record.server is not None:
        notes += compare_with_server(figures, record.server)
    return notes
