"""A benchmark's result as one JSON document: vLLM's key names for every figure that it also has, ours beside them.

``Figures`` holds what was measured; here is what it was measured with and what went wrong. Judged in ``slo``.
"""

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, PositiveFloat, PositiveInt, model_validator

from qwen_infra.benchmark.figures import Figures
from qwen_infra.benchmark.workload import Workload
from qwen_infra.client import Provenance
from qwen_infra.versions import RESULT_VERSION

__all__ = ["BenchmarkResult", "ReachedBy"]

ReachedBy = Literal["port-forward", "direct"]


class BenchmarkResult(Figures):
    """One run.

    Args:
        date: vLLM's key, start of the load as ``YYYYmmdd-HHMMSS`` in UTC.
        backend: vLLM's key; the API that was used.
        model_id: vLLM's key; the served name.
        num_prompts: vLLM's key; also in ``workload``.
        request_rate: vLLM's key; ``inf`` when no rate was set.
        burstiness: vLLM's key.
        max_concurrency: vLLM's key.
        request_goodput: vLLM's key; None as there, when no goodput was asked for.
        result_version: of this document.
        started_at: of the load.
        workload: all of it, to run it again; the seed is in it.
        prompts: where the prompts' token ids came from.
        reached_by: a port-forward costs throughput, so it is said.
        provenance: what answered.
        simulated: the same as ``provenance.simulated``, at the top because programs look for it there.
        partial: the run ended before all requests were answered.
        partial_because: why.
        errors: count of failed requests by kind.
        error_examples: the first message of each kind.
        notes: what a reader of the figures must know.
    """

    date: str
    backend: str = "openai"
    model_id: str
    num_prompts: PositiveInt
    request_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] | Literal["inf"]
    burstiness: PositiveFloat
    max_concurrency: PositiveInt | None
    request_goodput: None = None

    result_version: str = RESULT_VERSION
    started_at: AwareDatetime
    workload: Workload
    prompts: str
    reached_by: ReachedBy
    provenance: Provenance
    simulated: bool
    partial: bool = False
    partial_because: str | None = None
    errors: dict[str, PositiveInt] = Field(default_factory=dict)
    error_examples: dict[str, str] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.simulated != self.provenance.simulated:
            msg = f"simulated={self.simulated} contradicts the provenance"
            raise ValueError(msg)
        if self.partial != (self.partial_because is not None):
            msg = "partial and partial_because contradict each other"
            raise ValueError(msg)
        return self

    @property
    def summary(self) -> str:
        """One line for a log."""
        if self.completed == 0:
            line = f"benchmark {self.workload.name}: none of {self.num_prompts} requests was answered"
            examples = "; ".join(f"{kind}: {text}" for kind, text in self.error_examples.items())
            return f"{line} ({examples})" if examples else line
        rate = f", {self.output_throughput:.0f} tok/s" if self.output_throughput is not None else ""
        p99 = f", p99 TTFT {self.p99_ttft_ms:.0f} ms" if self.p99_ttft_ms is not None else ""
        partial = f"; partial: {self.partial_because}" if self.partial else ""
        return (
            f"benchmark {self.workload.name}: {self.completed} of {self.num_prompts} requests answered in "
            f"{self.duration:.1f} s{rate}{p99}{partial}"
        )
