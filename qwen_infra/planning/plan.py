"""From settings to a plan: which checkpoint, which flags, which names, how long things may take."""

from qwen_infra.catalog import Gpu, find_gpu
from qwen_infra.planning.benchmark import plan_benchmark
from qwen_infra.planning.cache import plan_cache
from qwen_infra.planning.deployment_plan import (
    ClusterPlan,
    DeploymentPlan,
    GpuPlan,
    ServerPlan,
)
from qwen_infra.planning.drain import plan_drain
from qwen_infra.planning.endpoint import plan_endpoint
from qwen_infra.planning.environment import choose_environment
from qwen_infra.planning.features import check_features, choose_arguments
from qwen_infra.planning.image import choose_image, choose_user, warn_of_image
from qwen_infra.planning.model_source import find_stack_checkpoint, find_stack_model
from qwen_infra.planning.naming import decide_server_name
from qwen_infra.planning.operations import check_operations
from qwen_infra.planning.prediction import predict_fit
from qwen_infra.planning.resources import plan_resources
from qwen_infra.planning.rollout import RolloutPlan
from qwen_infra.planning.shape import plan_shape
from qwen_infra.planning.start_timeouts import plan_start_timeouts
from qwen_infra.planning.warnings import list_warnings, warn_of_rollout
from qwen_infra.settings import StackSettings

__all__ = ["make_plan"]


def make_plan(settings: StackSettings, stack: str = "") -> DeploymentPlan:
    """The deployment that the settings ask for.

    Raises:
        ConfigurationError: an unknown model or GPU, a combination that cannot work, or one that does not fit.
    """
    check_operations(settings)
    server = settings.server
    model = find_stack_model(settings)
    checkpoint = find_stack_checkpoint(settings, model)
    gpu = find_gpu(server.gpu)
    name = server.name or decide_server_name(model.name)
    mount_path = f"/{checkpoint.repository.rpartition('/')[2]}"
    check_features(server, model, gpu)
    image = choose_image(server, gpu)
    user = choose_user(server, image)
    shape = plan_shape(server, model, gpu)
    fit = predict_fit(settings, model, gpu)
    drain = plan_drain(server.longest_answer_tokens, gpu.kind)
    resources = plan_resources(server, gpu, server.tensor_parallel_size)
    arguments = choose_arguments(settings, model, fit, mount_path, drain.shutdown_timeout_s)
    timeouts = plan_start_timeouts(settings, fit)
    return DeploymentPlan(
        model_name=model.name,
        vocabulary_size=model.architecture.vocabulary_size,
        fit=fit,
        cluster=ClusterPlan(**settings.cluster.model_dump()),
        cache=plan_cache(settings, checkpoint, mount_path, image=image, user=user),
        server=ServerPlan(
            name=name,
            image=image,
            user=user,
            pod=server,
            replicas=server.replicas,
            node=server.node,
            gpu=_gpu_plan(gpu, shape.gpus_per_node),
            arguments=arguments,
            environment=choose_environment(
                arguments, gpu, resources, timeouts.container_s, usage_statistics=server.usage_statistics
            ),
            resources=resources,
            start=timeouts,
            drain_delay_s=drain.delay_s,
            termination_grace_s=drain.grace_s,
            nodes_per_replica=shape.nodes,
            compute_domain=shape.compute_domain,
            rollout_mode=server.rollout,
            rollout=RolloutPlan() if server.rollout == "auto" else RolloutPlan(server.rollout),
        ),
        endpoint=plan_endpoint(settings.endpoint, name),
        verification=settings.verification,
        benchmark=plan_benchmark(settings.benchmark, model),
        warnings=(*list_warnings(server, model, gpu, fit), *warn_of_image(image), *warn_of_rollout(settings)),
        licence=model.licence,
        environment=settings.environment,
        operations=settings.operations,
        policy=settings.policy,
        stack=stack,
    )


def _gpu_plan(gpu: Gpu, count: int) -> GpuPlan:
    return GpuPlan(
        name=gpu.name,
        product_label=gpu.product_label,
        product_labels=gpu.product_labels,
        node_label_key=gpu.node_label_key,
        resource_name=gpu.resource_name,
        count=count if gpu.resource_name else 0,
    )
