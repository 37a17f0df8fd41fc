"""From settings to a plan: which checkpoint, which flags, which names, how long things may take."""

import re
import shlex

from qwen_infra.catalog import Gpu, Model, find_gpu, find_model
from qwen_infra.errors import ConfigurationError
from qwen_infra.planning.deployment_plan import (
    CachePlan,
    ClusterPlan,
    DeploymentPlan,
    EndpointPlan,
    GpuPlan,
    ServerPlan,
)
from qwen_infra.planning.server_arguments import ServerArguments
from qwen_infra.settings import ApiKeySecret, ServerSettings, StackSettings
from qwen_infra.sizing import Fit, FitRequest, describe_misfit, fit_model

__all__ = ["make_plan"]

DRAIN_DELAY_S = 5
"""Time for every proxy to forget a pod that is going away; the pod answers meanwhile."""
SHUTDOWN_TIMEOUT_S = 120
"""Longest answer that a stopping server still finishes: 4096 tokens at 29.5 ms (the reference's time per token)."""
KILL_MARGIN_S = 15
RESERVED_SERVICE_NAMES = frozenset({"vllm"})
"""Kubernetes sets VLLM_PORT for a Service of that name, which vLLM takes for a setting of its own."""


def make_plan(settings: StackSettings) -> DeploymentPlan:
    """The deployment that the settings ask for.

    Raises:
        ConfigurationError: an unknown model or GPU, a combination that cannot work, or one that does not fit.
    """
    server = settings.server
    model = find_model(settings.model.name)
    checkpoint = model.checkpoint(settings.model.precision)
    gpu = find_gpu(server.gpu)
    name = server.name or f"vllm-{_slug(model.name)}"
    mount_path = f"/{checkpoint.repository.rpartition('/')[2]}"
    fit = _predict(settings, model, gpu)
    return DeploymentPlan(
        model_name=model.name,
        vocabulary_size=model.architecture.vocabulary_size,
        fit=fit,
        cluster=ClusterPlan(**settings.cluster.model_dump()),
        cache=CachePlan(
            repository=checkpoint.repository,
            revision=settings.model.revision,
            folder=checkpoint.repository,
            mount_path=mount_path,
            storage=settings.cache,
        ),
        server=ServerPlan(
            name=name,
            image=server.image,
            replicas=server.replicas,
            node=server.node,
            gpu=_gpu_plan(gpu, server),
            arguments=_arguments(settings, model, mount_path, fit.max_num_seqs),
            resources=server.resources,
            ready_timeout_s=server.ready_timeout_seconds or fit.startup_budget_s,
            drain_delay_s=DRAIN_DELAY_S,
            termination_grace_s=DRAIN_DELAY_S + SHUTDOWN_TIMEOUT_S + KILL_MARGIN_S,
        ),
        endpoint=_endpoint_plan(settings, name),
        verification_level=settings.verification.level,
        benchmark=settings.benchmark,
    )


def _slug(model_name: str) -> str:
    """``Qwen3.5-397B-A17B`` becomes ``qwen35-397b``: the reference's own short form."""
    short = re.sub(r"-a[0-9.]+b$", "", model_name.lower())
    return re.sub(r"[^a-z0-9-]", "", short)


def _predict(settings: StackSettings, model: Model, gpu: Gpu) -> Fit:
    """Memory, blocks and start-up budget; refuses what cannot start, with the changes that can."""
    server = settings.server
    fit = fit_model(
        FitRequest(
            model=model,
            precision=settings.model.precision,
            gpu=gpu,
            tensor_parallel_size=server.tensor_parallel_size,
            max_model_len=server.max_model_len,
            gpu_memory_utilization=server.gpu_memory_utilization,
            max_num_seqs=server.max_num_seqs,
            text_only=server.text_only,
            prefix_caching=server.prefix_caching,
        )
    )
    if not fit.fits:
        raise ConfigurationError(describe_misfit(fit), where="qwen-infra:server")
    return fit


def _gpu_plan(gpu: Gpu, server: ServerSettings) -> GpuPlan:
    return GpuPlan(
        name=gpu.name,
        product_label=gpu.product_label,
        node_label_key=gpu.node_label_key,
        resource_name=gpu.resource_name,
        count=server.tensor_parallel_size,
    )


def _arguments(settings: StackSettings, model: Model, mount_path: str, max_num_seqs: int) -> ServerArguments:
    server = settings.server
    return ServerArguments(
        model_path=mount_path,
        served_model_name=server.served_model_name,
        port=settings.endpoint.port,
        tensor_parallel_size=server.tensor_parallel_size,
        max_model_len=server.max_model_len,
        max_num_seqs=max_num_seqs,
        gpu_memory_utilization=server.gpu_memory_utilization,
        prefix_caching=server.prefix_caching,
        reasoning_parser=model.reasoning_parser if server.thinking else None,
        tool_call_parser=model.tool_call_parser if server.tools else None,
        default_thinking=model.default_thinking,
        text_only=server.text_only,
        quantization=server.quantization,
        shutdown_timeout_s=SHUTDOWN_TIMEOUT_S,
        extra=_extra_arguments(server),
    )


def _extra_arguments(server: ServerSettings) -> tuple[str, ...]:
    key = "qwen-infra:server.extraArgs"
    words = tuple(word for line in server.extra_args for word in shlex.split(line))
    if any(word == "--api-key" or word.startswith("--api-key=") for word in words):
        raise ConfigurationError(
            "an API key among the arguments would stand in the process list and in the manifest",
            where=key,
            mend="use qwen-infra:endpoint.apiKey, an existing Secret, or leave it out to have a key made",
        )
    return words


def _endpoint_plan(settings: StackSettings, server_name: str) -> EndpointPlan:
    endpoint = settings.endpoint
    service_name = endpoint.service_name or f"{server_name}-service"
    if service_name in RESERVED_SERVICE_NAMES:
        raise ConfigurationError(
            "a Service of this name breaks the server through the VLLM_PORT variable",
            where="qwen-infra:endpoint.serviceName",
            found=service_name,
            mend=f"pulumi config set --path 'qwen-infra:endpoint.serviceName' {server_name}-service",
        )
    return EndpointPlan(
        service_name=service_name,
        port=endpoint.port,
        key_secret=endpoint.api_key or ApiKeySecret(secret_name=f"{server_name}-api-key"),
        generate_key=endpoint.api_key is None,
        url=endpoint.url,
    )
