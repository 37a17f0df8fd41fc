"""The stack file as types: every key, its meaning, its default. One class a top-level key.

What a combination of keys means for a deployment is decided in ``qwen_infra.planning``; here a key is only known, typed
and within bounds.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

__all__ = [
    "ApiKeySecret",
    "BenchmarkSettings",
    "CacheSettings",
    "ClusterSettings",
    "EndpointSettings",
    "ModelSettings",
    "ResourceSettings",
    "ServerSettings",
    "SloSettings",
    "StackSettings",
    "VerificationSettings",
]

DnsLabel = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
"""RFC 1123 label: what Kubernetes accepts as the name of a namespace, a Service or a label value."""
Quantity = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$")]
"""A Kubernetes quantity, such as ``400Gi`` or ``16``."""
Precision = Literal["bf16", "fp8", "gptq-int4", "nvfp4"]


class Settings(BaseModel):
    """Base of all: unknown keys are errors, values never change, keys are written in camelCase."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )


class ClusterSettings(Settings):
    """Which cluster, and where in it."""

    identifier: DnsLabel = Field(description="Name of the cluster for this stack; another name means other hardware.")
    kubeconfig: str | None = Field(None, description="Path of a kubeconfig; default: $KUBECONFIG, then ~/.kube/config.")
    context: str | None = Field(None, description="Context in the kubeconfig; default: its current context.")
    namespace: DnsLabel = Field("qwen", description="Namespace of everything that the stack creates.")
    create_namespace: bool = Field(True, description="Whether the stack creates, and owns, the namespace.")


class ModelSettings(Settings):
    """Which checkpoint of which model."""

    name: str = Field(description="Model of the catalogue, such as Qwen3.5-397B-A17B.")
    precision: Precision = Field(description="Checkpoint of that model: bf16, fp8, gptq-int4 or nvfp4.")
    revision: str = Field("main", min_length=1, description="Commit, tag or branch of the repository on the Hub.")


class SecretKeySettings(Settings):
    """One value in an existing Secret."""

    secret_name: DnsLabel = Field(description="Name of the Secret.")
    key: str = Field("token", min_length=1, description="Key inside the Secret.")


class CacheSettings(Settings):
    """Where the weights live."""

    kind: Literal["hostPath", "existingClaim"] = Field(
        "hostPath", description="hostPath: a folder on the node; existingClaim: a PersistentVolumeClaim that exists."
    )
    path: str = Field("/var/lib/qwen-infra/models", pattern=r"^/", description="Folder on the node (hostPath).")
    claim_name: DnsLabel | None = Field(None, description="Name of the claim (existingClaim).")
    download: bool = Field(True, description="Whether a Job downloads the weights; false: they are there already.")
    hub_endpoint: str | None = Field(None, pattern=r"^https?://", description="Mirror of the Hub; default: the Hub.")
    hub_token: SecretKeySettings | None = Field(None, description="Secret with the Hub token, for gated repositories.")
    timeout_minutes: int = Field(240, gt=0, le=2880, description="Longest time that the download may take.")

    @model_validator(mode="after")
    def _claim_is_named(self) -> "CacheSettings":
        if (self.kind == "existingClaim") != (self.claim_name is not None):
            raise ValueError("claimName goes with kind existingClaim, and only with it")
        return self


class ResourceSettings(Settings):
    """CPU and memory of the server's container; the defaults are the reference deployment's."""

    cpu_request: Quantity = Field("16", description="CPU that the scheduler reserves.")
    cpu_limit: Quantity = Field("32", description="CPU that the container may use.")
    memory_request: Quantity = Field("200Gi", description="Memory that the scheduler reserves.")
    memory_limit: Quantity = Field("400Gi", description="Memory at which the container is killed; counts sharedMemory.")
    shared_memory: Quantity = Field("64Gi", description="Size of /dev/shm, for NCCL between the GPUs.")


class ServerSettings(Settings):
    """How vLLM serves the model."""

    name: DnsLabel | None = Field(None, max_length=40, description="Name of the Deployment; default: from the model.")
    served_model_name: str = Field("qwen3.5", min_length=1, description="Name that clients ask for.")
    image: str = Field("vllm/vllm-openai:v0.32.0", min_length=1, description="vLLM image, by version or digest.")
    gpu: str = Field(description="GPU of the catalogue, such as GB200.")
    node: str | None = Field(None, description="Host name of the node; default: any node with that GPU.")
    replicas: int = Field(1, ge=1, le=64, description="Copies of the server, each with its own GPUs.")
    tensor_parallel_size: int = Field(1, ge=1, description="GPUs over which each layer is split.")
    max_model_len: int = Field(262144, ge=1, description="Longest prompt plus answer, in tokens.")
    max_num_seqs: int | None = Field(None, ge=1, description="Requests at once; default: what the memory carries.")
    gpu_memory_utilization: float = Field(0.92, gt=0, le=1, description="Share of the GPU's memory for vLLM.")
    prefix_caching: bool = Field(True, description="Keep the KV cache of common beginnings of prompts.")
    thinking: bool = Field(True, description="Split thinking from the answer (the reasoning parser).")
    tools: bool = Field(True, description="Tool calls (automatic tool choice and the tool parser).")
    text_only: bool = Field(False, description="Do not load the vision tower.")
    quantization: str | None = Field(None, description="vLLM's --quantization; official checkpoints need none.")
    extra_args: tuple[str, ...] = Field((), description="More vLLM arguments, as they stand on a command line.")
    resources: ResourceSettings = Field(default_factory=lambda: ResourceSettings(), description="CPU and memory.")
    ready_timeout_seconds: int | None = Field(
        None, ge=10, le=43200, description="Longest start; default: the start-up budget of model and GPU."
    )


class ApiKeySecret(SecretKeySettings):
    """An existing Secret with the API key."""

    key: str = Field("api-key", min_length=1, description="Key inside the Secret.")


class EndpointSettings(Settings):
    """How clients reach the server."""

    service_name: DnsLabel | None = Field(
        None, description="Name of the Service; default: the server's, with -service."
    )
    port: int = Field(8000, ge=1, le=65535, description="Port of the Service and of the server.")
    api_key: ApiKeySecret | None = Field(
        None, description="Existing Secret with the API key; default: a key is generated once and kept."
    )
    url: str | None = Field(
        None, pattern=r"^https?://", description="URL at which the checks reach it; default: a port-forward."
    )


class VerificationSettings(Settings):
    """Which verification runs after every change of the server."""

    level: Literal["off", "smoke"] = Field("smoke", description="off, or smoke: the reference's requests.")


class SloSettings(Settings):
    """Service level objectives, judged only on the hardware that they were set for."""

    hardware: str = Field(description="GPU (NVIDIA-GB200), cpu or simulator; elsewhere the SLOs are shown, not judged.")
    limits: dict[str, float] = Field(
        description="Metric to limit (p99_ttft_ms, output_throughput): highest where lower is better, else lowest."
    )


class BenchmarkSettings(Settings):
    """Which benchmark runs after a passed verification."""

    workload: str = Field("reference", description="off, or a workload: reference (the article's) or smoke.")
    slos: SloSettings | None = Field(None, description="Thresholds that fail the deployment when missed.")
    timeout_minutes: int = Field(30, ge=1, le=600, description="Longest time that the benchmark may take.")


class StackSettings(Settings):
    """A whole stack file: everything under ``qwen-infra:``."""

    cluster: ClusterSettings
    model: ModelSettings
    cache: CacheSettings = Field(default_factory=lambda: CacheSettings())
    server: ServerSettings
    endpoint: EndpointSettings = Field(default_factory=lambda: EndpointSettings())
    verification: VerificationSettings = Field(default_factory=lambda: VerificationSettings())
    benchmark: BenchmarkSettings = Field(default_factory=lambda: BenchmarkSettings())
