"""From settings to a plan: which checkpoint, which flags, which names, how long things may take."""

import re

from qwen_infra.catalog import Gpu, find_gpu, find_model
from qwen_infra.errors import ConfigurationError
from qwen_infra.planning.deployment_plan import (
    CachePlan,
    ClusterPlan,
    DeploymentPlan,
    EndpointPlan,
    GpuPlan,
    ServerPlan,
)
from qwen_infra.planning.drain import plan_drain
from qwen_infra.planning.environment import choose_environment
from qwen_infra.planning.features import check_features, choose_arguments
from qwen_infra.planning.operations import check_operations
from qwen_infra.planning.prediction import predict_fit
from qwen_infra.planning.warnings import list_warnings
from qwen_infra.settings import ApiKeySecret, ServerSettings, StackSettings

__all__ = ["make_plan"]

RESERVED_SERVICE_NAMES = frozenset({"vllm"})
"""Kubernetes sets VLLM_PORT for a Service of that name, which vLLM takes for a setting of its own."""


def make_plan(settings: StackSettings) -> DeploymentPlan:
    """The deployment that the settings ask for.

    Raises:
        ConfigurationError: an unknown model or GPU, a combination that cannot work, or one that does not fit.
    """
    check_operations(settings)
    server = settings.server
    model = find_model(settings.model.name)
    checkpoint = model.checkpoint(settings.model.precision)
    gpu = find_gpu(server.gpu)
    name = server.name or f"vllm-{_slug(model.name)}"
    mount_path = f"/{checkpoint.repository.rpartition('/')[2]}"
    check_features(server, model, gpu)
    fit = predict_fit(settings, model, gpu)
    drain = plan_drain(server.longest_answer_tokens)
    arguments = choose_arguments(settings, model, fit, mount_path, drain.shutdown_timeout_s)
    ready_timeout_s = server.ready_timeout_seconds or fit.startup_budget_s
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
            arguments=arguments,
            environment=choose_environment(arguments, gpu, ready_timeout_s),
            resources=server.resources,
            ready_timeout_s=ready_timeout_s,
            drain_delay_s=drain.delay_s,
            termination_grace_s=drain.grace_s,
        ),
        endpoint=_endpoint_plan(settings, name),
        verification_level=settings.verification.level,
        benchmark=settings.benchmark,
        warnings=list_warnings(server, model, gpu, fit),
        licence=model.licence,
        environment=settings.environment,
        operations=settings.operations,
        policy=settings.policy,
    )


def _slug(model_name: str) -> str:
    """``Qwen3.5-397B-A17B`` becomes ``qwen35-397b``: the reference's own short form."""
    short = re.sub(r"-a[0-9.]+b$", "", model_name.lower())
    return re.sub(r"[^a-z0-9-]", "", short)


def _gpu_plan(gpu: Gpu, server: ServerSettings) -> GpuPlan:
    return GpuPlan(
        name=gpu.name,
        product_label=gpu.product_label,
        node_label_key=gpu.node_label_key,
        resource_name=gpu.resource_name,
        count=server.tensor_parallel_size,
    )


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
