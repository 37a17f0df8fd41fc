"""Memory of one GPU: what the plan predicted, and what the running server says of it; in GiB, pure.

vLLM tells one number: the blocks of its KV cache. It takes its whole share of the memory whatever the model needs, so
what is not cache is weights and reserve; no finer split can be had from outside.
"""

from dataclasses import dataclass

from qwen_infra.planning import DeploymentPlan
from qwen_infra.reports.subjects import Subject

__all__ = ["ActualMemory", "MemoryFit", "describe_memory"]

_GIB = 2**30
_CASE = "server-kv-cache"


@dataclass(frozen=True, slots=True)
class ActualMemory:
    """What a verification read from the server's metrics.

    Args:
        blocks: KV cache blocks.
        kv_cache_gib: blocks times the plan's bytes per block.
        rest_gib: vLLM's share less the cache: weights and reserve together.
        run: the verification's file.
    """

    blocks: int
    kv_cache_gib: float
    rest_gib: float
    run: str


@dataclass(frozen=True, slots=True)
class MemoryFit:
    """The prediction, the actual where there is one, and why there is none where not.

    Args:
        parts_gib: in the order in which they are stacked.
        share_gib: what vLLM may take.
        usable_gib: what the GPU has.
        blocks: predicted.
        actual: None where no verification read it.
        why_not: a sentence; empty where there is an actual.
        peak_kv_usage: highest share of the cache in use during the newest benchmark of a real GPU; None when unknown.
    """

    gpu: str
    parts_gib: dict[str, float]
    share_gib: float
    usable_gib: float
    blocks: int
    actual: ActualMemory | None
    why_not: str
    peak_kv_usage: float | None

    @property
    def deviation_percent(self) -> float | None:
        """Of the actual blocks from the predicted."""
        return None if self.actual is None or not self.blocks else (self.actual.blocks / self.blocks - 1) * 100


def describe_memory(subject: Subject) -> MemoryFit | None:
    """The fit of a subject; None without a plan."""
    plan = subject.plan
    if plan is None:
        return None
    fit = plan.fit
    actual, why_not = _find_actual(subject, plan)
    return MemoryFit(
        gpu=fit.request.gpu.name,
        parts_gib=fit.parts_gib,
        share_gib=fit.requested_bytes / _GIB,
        usable_gib=fit.request.gpu.usable_memory_gib,
        blocks=fit.num_blocks,
        actual=actual,
        why_not=why_not,
        peak_kv_usage=_find_peak(subject),
    )


def _find_actual(subject: Subject, plan: DeploymentPlan) -> tuple[ActualMemory | None, str]:
    reason = "no verification at the level full is kept, and only that asks the server for its blocks"
    for run in reversed(subject.verifications):
        case = next((case for case in run.report.cases if case.id == _CASE), None)
        if case is None:
            continue
        if case.status == "skipped" or not (case.actual or "").isdecimal():
            reason = f"the verification of {run.report.started_at:%Y-%m-%d %H:%M} did not read it: {case.detail}"
            continue
        if case.expected and not case.expected.startswith(str(plan.fit.num_blocks)):
            return None, "the last verification that read it was of another plan than the stack file's"
        blocks = int(case.actual or 0)
        kv_cache_gib = blocks * plan.fit.bytes_per_block / _GIB
        return ActualMemory(blocks, kv_cache_gib, plan.fit.requested_bytes / _GIB - kv_cache_gib, run.name), ""
    return None, reason


def _find_peak(subject: Subject) -> float | None:
    for run in subject.benchmarks:
        if not run.result.simulated and run.result.server is not None:
            return run.result.server.server_peak_kv_usage
    return None
