"""A GPU of the catalogue, or the processor in its place: memory, speed, precisions, how Kubernetes names it.

Not here: the entries (``data/gpus.json``) and finding one (``lookup.py``).
"""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, PositiveInt, model_validator

from qwen_infra.catalog.models import Precision
from qwen_infra.catalog.sources import Source

__all__ = ["ArithmeticRates", "Gpu"]

_FIGURES = (
    "memory_mib",
    "usable_memory_bytes",
    "bandwidth_bytes_per_s",
    "arithmetic",
    "link_bytes_per_s",
    "gpus_per_node",
    "node_cpu",
    "node_memory_gib",
    "product_label",
)


class ArithmeticRates(BaseModel):
    """Dense tensor-core rates [operations/s]; None where the GPU has no such unit. Never the "with sparsity" figure."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bf16: PositiveInt
    fp8: PositiveInt | None = None
    fp4: PositiveInt | None = None


class Gpu(BaseModel):
    """One GPU product, or the processor where there is none, with a typical node around it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    kind: Literal["gpu", "cpu"] = "gpu"
    """``cpu``: the node's processor, for laptops; its memory is the pod's limit (``with_memory``)."""
    vendor: Literal["nvidia", "amd", "any"]
    compute_capability: str
    """CUDA compute capability (``9.0``) or AMD architecture (``gfx942``)."""
    product_label: str
    """Value of ``node_label_key`` on a node that has this GPU."""
    other_labels: tuple[str, ...] = ()
    """Other values by which drivers and forms of the same GPU are labelled."""
    node_label_key: str | None
    """None: any node will do."""
    resource_name: str | None
    """None: Kubernetes counts no such devices, only processors and memory."""
    memory_mib: PositiveInt
    """As ``nvidia-smi`` or ``rocm-smi`` shows it [MiB]."""
    usable_memory_bytes: PositiveInt
    """As PyTorch's ``total_memory`` shows it, which is what ``--gpu-memory-utilization`` is a share of [B]."""
    bandwidth_bytes_per_s: PositiveInt
    arithmetic: ArithmeticRates
    precisions: tuple[Precision, ...]
    """Checkpoint precisions that vLLM 0.32 can serve on it."""
    link: str
    link_bytes_per_s: PositiveInt
    """Between GPUs of one node, one direction, per GPU [B/s]."""
    gpus_per_node: PositiveInt
    node_architecture: Literal["amd64", "arm64"]
    node_cpu: PositiveInt
    node_memory_gib: PositiveInt
    aliases: tuple[str, ...] = ()
    """Other names that people use."""
    sources: dict[str, Source]

    @model_validator(mode="after")
    def _check_sources(self) -> Self:
        figures = (*_FIGURES, "other_labels") if self.other_labels else _FIGURES
        missing = [figure for figure in figures if figure not in self.sources]
        if missing:
            msg = f"{self.name}: no source for {', '.join(missing)}"
            raise ValueError(msg)
        if self.usable_memory_bytes > self.memory_mib * 2**20:
            msg = f"{self.name}: usable_memory_bytes is above memory_mib"
            raise ValueError(msg)
        return self

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def product_labels(self) -> tuple[str, ...]:
        """Every label value by which a node with this GPU is known; empty where nodes are not labelled."""
        return (self.product_label, *self.other_labels) if self.node_label_key else ()

    @property
    def can_share_model(self) -> bool:
        """Whether several of them can serve one model together."""
        return self.kind == "gpu"

    def with_memory(self, size_bytes: int) -> Self:
        """The same with so much memory: of a processor, what the pod may use [B]."""
        memory = {"memory_mib": -(-size_bytes // 2**20), "usable_memory_bytes": size_bytes}
        return self.model_copy(update=memory)

    @property
    def usable_memory_gib(self) -> float:
        """``usable_memory_bytes`` in GiB."""
        return self.usable_memory_bytes / 2**30
