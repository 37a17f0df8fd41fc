"""What will be deployed, as plain data: printable, comparable, testable without Pulumi or a cluster."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from qwen_infra.planning.rollout import RolloutMode, RolloutPlan
from qwen_infra.planning.server_arguments import ServerArguments
from qwen_infra.planning.start_timeouts import StartTimeouts
from qwen_infra.settings import (
    ApiKeySecret,
    BenchmarkSettings,
    CacheSettings,
    EndpointSettings,
    OperationsSettings,
    PodSettings,
    PolicySettings,
    ResourceSettings,
    VerificationSettings,
)
from qwen_infra.sizing import Fit

__all__ = ["CachePlan", "ClusterPlan", "DeploymentPlan", "EndpointPlan", "GpuPlan", "ServerPlan"]


@dataclass(frozen=True)
class ClusterPlan:
    """Where everything goes."""

    identifier: str
    kubeconfig: str | None
    context: str | None
    namespace: str
    create_namespace: bool
    adopt: bool = False


@dataclass(frozen=True)
class CachePlan:
    """Which files are fetched, and where they lie.

    ``folder`` is the revision's folder inside the storage (``Qwen/Qwen3.5-397B-A17B-GPTQ-Int4/COMMIT``); ``mount_path``
    is where the server sees it. ``nodes``: who gets a Job of their own (hostPath); empty: wherever the scheduler puts
    it. ``claim_size``, ``pod_size``: quantities of a claim, and of a pod's own copy. ``kernels_folder``: of compiled
    kernels, inside the storage. ``server_user``: number of the server's user; None: the image's own, root.
    """

    repository: str
    revision: str
    folder: str
    mount_path: str
    storage: CacheSettings
    nodes: tuple[str, ...] = ()
    claim_size: str = ""
    pod_size: str = ""
    kernels_folder: str = ""
    server_user: int | None = None

    @property
    def kernels(self) -> Literal["volume", "pod", "off"]:
        """Where compiled kernels are kept; a folder of a node is the server's to write where the download makes it."""
        chosen = self.storage.compiled_kernels
        if chosen != "auto":
            return chosen
        is_made = self.storage.download or not self.server_user
        is_writable = self.storage.kind == "pvc" or (self.storage.kind == "hostPath" and is_made)
        return "volume" if is_writable else "pod"

    @property
    def serves_one_node(self) -> bool:
        """Whether pods on two nodes cannot have it at the same time, so that a new pod waits for the old one's end."""
        return self.storage.kind == "pvc" and self.storage.access_mode == "ReadWriteOnce"

    @property
    def runs_in_pod(self) -> bool:
        """Whether each pod of the server downloads for itself before it starts."""
        return self.storage.kind == "none"


@dataclass(frozen=True)
class GpuPlan:
    """The GPUs that one pod takes, and how a node with them is recognised.

    A pod on the processor takes none (``count`` 0, no ``resource_name``), and every node will do (no
    ``node_label_key``).
    """

    name: str
    product_label: str
    product_labels: tuple[str, ...]
    node_label_key: str | None
    resource_name: str | None
    count: int

    @property
    def devices(self) -> dict[str, int]:
        """What a pod asks of Kubernetes: resource to number; empty on the processor."""
        return {self.resource_name: self.count} if self.resource_name else {}

    def describe(self) -> str:
        """``4 x GB200``, or ``the processor`` where there are none."""
        return f"{self.count} x {self.name}" if self.devices else "the processor"

    def is_on(self, labels: Mapping[str, str]) -> bool:
        """Whether a node with these labels is of the right kind."""
        return self.node_label_key is None or labels.get(self.node_label_key) in self.product_labels

    @property
    def selector(self) -> str:
        """The right nodes in ``kubectl``'s own language."""
        if self.node_label_key is None:
            return "any node"
        if len(self.product_labels) == 1:
            return f"{self.node_label_key}={self.product_label}"
        return f"{self.node_label_key} in ({', '.join(self.product_labels)})"


@dataclass(frozen=True)
class ServerPlan:
    """The Deployment. Times in seconds; ``user``: number of the server's user, None for the image's own."""

    name: str
    image: str
    user: int | None
    pod: PodSettings
    replicas: int
    node: str | None
    gpu: GpuPlan
    arguments: ServerArguments
    environment: Mapping[str, str]
    resources: ResourceSettings
    start: StartTimeouts
    drain_delay_s: int
    termination_grace_s: int
    nodes_per_replica: int = 1
    compute_domain: bool = False
    rollout_mode: RolloutMode = "auto"
    rollout: RolloutPlan = field(default_factory=RolloutPlan)


@dataclass(frozen=True)
class EndpointPlan:
    """The Service, the API key and how the checks reach it.

    ``creates_key``: whether the stack makes the key's Secret (a generated or a given key), or it exists.
    """

    service_name: str
    port: int
    key_secret: ApiKeySecret
    creates_key: bool
    open_paths: tuple[str, ...]
    url: str | None
    settings: EndpointSettings


@dataclass(frozen=True)
class DeploymentPlan:
    """Everything that the manifests, the components and the checks are made from.

    ``warnings``: what works but deserves a second look, one sentence each; ``licence`` as the Hub writes it; ``stack``:
    whose objects these are, empty where nobody asks.
    """

    model_name: str
    vocabulary_size: int
    fit: Fit
    cluster: ClusterPlan
    cache: CachePlan
    server: ServerPlan
    endpoint: EndpointPlan
    verification: VerificationSettings
    benchmark: BenchmarkSettings
    warnings: tuple[str, ...] = ()
    licence: str = ""
    environment: str | None = None
    operations: OperationsSettings = field(default_factory=lambda: OperationsSettings())
    policy: PolicySettings = field(default_factory=lambda: PolicySettings())
    stack: str = ""

    @property
    def longest_start_s(self) -> int:
        """The start-up budget, and before it the download where each pod does its own."""
        return self.server.start.rollout_s + (self.cache.storage.timeout_minutes * 60 if self.cache.runs_in_pod else 0)
