"""A benchmark's result as one JSON document: vLLM's key names for every figure that it also has, ours beside them.

``Figures`` holds what was measured; here is what it was measured with and what went wrong. Judged in ``slo``.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from qwen_infra.benchmark.definitions import find_definition
from qwen_infra.benchmark.figures import Figures
from qwen_infra.benchmark.server_side import ServerSide
from qwen_infra.benchmark.timeline import Timeline
from qwen_infra.benchmark.workload import Workload
from qwen_infra.client import Provenance
from qwen_infra.versions import RESULT_VERSION

__all__ = ["BenchmarkResult", "DeploymentFacts", "ReachedBy", "Repeat", "Versions"]

ReachedBy = Literal["port-forward", "direct", "in-cluster job"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DeploymentFacts(_Part):
    """What the caller knows of the server and cannot be asked over HTTP; None where it knows nothing.

    Args:
        stack: the stack's name.
        server: which of the stack's servers, since one stack may serve several models under one served name.
        image: with its digest or tag.
        arguments: the server's command line.
        model: the catalogue's name.
        precision: of the checkpoint.
        revision: ``repository@revision`` of the weights.
        gpu: the catalogue's name.
        gpus: GPUs of one replica.
        replicas: of the server.
    """

    stack: str | None = None
    server: str | None = None
    image: str | None = None
    arguments: str | None = None
    model: str | None = None
    precision: str | None = None
    revision: str | None = None
    gpu: str | None = None
    gpus: PositiveInt | None = None
    replicas: PositiveInt | None = None


class Versions(_Part):
    """What made the load."""

    tool: str
    python: str
    client: str


class Repeat(_Part):
    """One of several runs of the same load with another seed: the figures that repeats are compared by."""

    seed: int
    figures: dict[str, float]


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
        result_version: of this document.
        started_at: of the load.
        workload: all of it, to run it again; the seed is in it.
        prompts: how the prompts were made.
        reached_by: a port-forward costs throughput, so it is said.
        runner: what made the load: this program, or a Job with the image's own ``vllm bench serve``.
        provenance: what answered.
        simulated: the same as ``provenance.simulated``, at the top because programs look for it there.
        deployment: what the caller knows of the server.
        versions: what made the load.
        definitions: id of the definition of every figure in this document.
        timeline: the run second by second.
        distributions: by latency, the value at each whole percentile from 0 to 100 [ms], linear between ranks.
        server: the server's own figures; None when it has none.
        repeats: every repeat, the one whose figures stand above included; empty when there was one only.
        client_cpu_share: CPU seconds of the load generator per second of the run.
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
    burstiness: PositiveFloat | Literal["inf"]
    max_concurrency: PositiveInt | None

    result_version: str = RESULT_VERSION
    started_at: AwareDatetime
    workload: Workload
    prompts: str
    reached_by: ReachedBy
    runner: Literal["local", "job"] = "local"
    provenance: Provenance
    simulated: bool
    deployment: DeploymentFacts = DeploymentFacts()
    versions: Versions | None = None
    definitions: dict[str, str] = Field(default_factory=dict)
    timeline: Timeline = Timeline()
    distributions: dict[str, tuple[NonNegativeFloat, ...]] = Field(default_factory=dict)
    server: ServerSide | None = None
    repeats: tuple[Repeat, ...] = ()
    client_cpu_share: float | None = None
    partial: bool = False
    partial_because: str | None = None
    errors: dict[str, PositiveInt] = Field(default_factory=dict)
    error_examples: dict[str, str] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _define(cls, values: Any) -> Any:
        """The id of each figure's definition, unless the document brings those that it was made with."""
        if not isinstance(values, dict) or values.get("definitions"):
            return values
        server = values.get("server")
        found = server.model_dump() if isinstance(server, ServerSide) else (server or {})
        keys = [key for key, value in {**values, **found}.items() if value is not None]
        ids = {key: definition.id for key in keys if (definition := find_definition(key)) is not None}
        return {**values, "definitions": ids}

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.simulated != self.provenance.simulated:
            msg = f"simulated={self.simulated} contradicts the provenance"
            raise ValueError(msg)
        if self.partial != (self.partial_because is not None):
            msg = "partial and partial_because contradict each other"
            raise ValueError(msg)
        return self

    def value(self, key: str) -> float | None:
        """The client's or the server's figure of that key; None when there is no such figure in this run."""
        found = super().value(key)
        if found is None and self.server is not None and key.startswith("server_"):
            found = getattr(self.server, key, None)
        return found

    @property
    def noise(self) -> dict[str, tuple[float, float]]:
        """Least and greatest value of each figure among the repeats; empty when there was one only."""
        shared = set.intersection(*(set(repeat.figures) for repeat in self.repeats)) if self.repeats else set()
        spread = {key: [repeat.figures[key] for repeat in self.repeats] for key in sorted(shared)}
        return {key: (min(values), max(values)) for key, values in spread.items()}

    @property
    def summary(self) -> str:
        """One line for a log."""
        total = self.completed + self.failed + self.unfinished
        if self.completed == 0:
            line = f"benchmark {self.workload.name}: none of {total} requests was answered"
            examples = "; ".join(f"{kind}: {text}" for kind, text in self.error_examples.items())
            return f"{line} ({examples})" if examples else line
        rate = f", {self.output_throughput:.0f} tok/s" if self.output_throughput is not None else ""
        p99 = f", p99 TTFT {self.p99_ttft_ms:.0f} ms" if self.p99_ttft_ms is not None else ""
        partial = f"; partial: {self.partial_because}" if self.partial else ""
        return (
            f"benchmark {self.workload.name}: {self.completed} of {total} requests answered in "
            f"{self.duration:.1f} s{rate}{p99}{partial}"
        )
