"""The key ``server``."""

from typing import Literal

from pydantic import Field

from qwen_infra.settings.base import DnsLabel, Quantity, Settings
from qwen_infra.settings.features import FeatureSettings
from qwen_infra.settings.pod import PodSettings

__all__ = ["ResourceSettings", "ServerSettings"]


class ResourceSettings(Settings):
    """CPU and memory of the server's container; where nothing is said, the reference's for each GPU."""

    cpu_request: Quantity = Field("16", description="CPU that the scheduler reserves.")
    cpu_limit: Quantity = Field("32", description="CPU that the container may use.")
    memory_request: Quantity = Field("200Gi", description="Memory that the scheduler reserves.")
    memory_limit: Quantity = Field("400Gi", description="Memory at which the container is killed; counts sharedMemory.")
    shared_memory: Quantity = Field("64Gi", description="Size of /dev/shm, for NCCL between the GPUs.")


class ServerSettings(FeatureSettings, PodSettings):
    """How vLLM serves the model."""

    name: DnsLabel | None = Field(None, max_length=39, description="Name of the Deployment; default: from the model.")
    served_model_name: str = Field("qwen3.5", min_length=1, description="Name that clients ask for.")
    image: str = Field("vllm/vllm-openai:v0.32.0", min_length=1, description="vLLM image, by version or digest.")
    gpu: str = Field(description="GPU of the catalogue, such as GB200, or CPU.")
    node: str | None = Field(None, description="Host name of the node; default: any node with that GPU.")
    replicas: int = Field(1, ge=1, le=64, description="Copies of the server, each with its own GPUs.")
    rollout: Literal["auto", "recreate", "rolling", "surge", "blueGreen"] = Field(
        "auto",
        description="recreate: stop, then start; rolling: one replica at a time, none more; surge: one more first; "
        "blueGreen: a second generation is verified and measured before the endpoint moves to it; "
        "auto: recreate, rolling or surge, by the GPUs that are free.",
    )
    tensor_parallel_size: int = Field(1, ge=1, description="GPUs over which each layer is split.")
    pipeline_parallel_size: int = Field(1, ge=1, description="Groups of layers, each on GPUs of its own.")
    data_parallel_size: int = Field(1, ge=1, description="Engines that share the experts of one server (MoE models).")
    expert_parallel: bool = Field(False, description="Keep experts whole and spread them over all GPUs (MoE models).")
    nodes: int = Field(1, ge=1, le=64, description="Nodes over which one replica lies; more than 1: LeaderWorkerSet.")
    compute_domain: bool | None = Field(
        None, description="Share GPU memory across nodes (ComputeDomain); default: for GB200 and GB300 over nodes."
    )
    max_model_len: int = Field(262144, ge=1, description="Longest prompt plus answer, in tokens.")
    gpu_memory_utilization: float = Field(0.92, gt=0, le=1, description="Share of the GPU's memory for vLLM.")
    extra_args: tuple[str, ...] = Field((), description="More vLLM arguments, as they stand on a command line.")
    usage_statistics: bool = Field(
        False,
        description="Let vLLM report what it runs to its developers, as it does by itself (`VLLM_NO_USAGE_STATS`).",
    )
    resources: ResourceSettings = Field(default_factory=lambda: ResourceSettings(), description="CPU and memory.")
    ready_timeout_seconds: int | None = Field(
        None, ge=10, le=43200, description="Longest start; default: the start-up budget of model and GPU."
    )
