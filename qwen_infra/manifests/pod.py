"""The pod that runs ``vllm serve``: container, volumes and environment; the same whatever object makes it."""

from typing import Any

from qwen_infra.manifests.download import build_init_containers, init_volumes
from qwen_infra.manifests.guard import guard_environment, guard_mounts, guard_volumes
from qwen_infra.manifests.names import Names
from qwen_infra.manifests.placement import build_placement
from qwen_infra.manifests.probes import build_probes
from qwen_infra.manifests.pull_secrets import build_pull_secrets
from qwen_infra.manifests.security import build_container_security, build_pod_security
from qwen_infra.manifests.storage import kernel_environment, kernel_mounts, kernel_volumes, model_mount, model_volume
from qwen_infra.planning import DeploymentPlan

__all__ = ["build_pod_spec", "build_pod_template"]

KEY_VARIABLE = "VLLM_API_KEY"


def build_pod_template(plan: DeploymentPlan, names: Names) -> dict[str, Any]:
    """The template of the server's pods; the annotation makes another revision another pod."""
    return {
        "metadata": {
            "labels": names.generation_labels,
            "annotations": {"qwen-infra.dev/model-revision": plan.cache.revision},
        },
        "spec": build_pod_spec(plan, names),
    }


def build_pod_spec(plan: DeploymentPlan, names: Names) -> dict[str, Any]:
    """The spec of one server pod."""
    server = plan.server
    return {
        **build_placement(server, plan.cache.nodes),
        **_scheduling(plan, names),
        **build_pull_secrets(server),
        "terminationGracePeriodSeconds": server.termination_grace_s,
        **build_pod_security(server.user, owns_claim=plan.cache.storage.kind != "hostPath"),
        **build_init_containers(plan),
        "containers": [_container(plan, names)],
        "volumes": [
            model_volume(plan, names),
            {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": server.resources.shared_memory}},
            *guard_volumes(plan, names),
            *init_volumes(plan, names),
            *kernel_volumes(plan),
        ],
    }


def _scheduling(plan: DeploymentPlan, names: Names) -> dict[str, Any]:
    """Priority, and replicas on different nodes where that is possible."""
    pod = plan.server.pod
    # for one replica too: else scaling would change the template, and replace the pod that serves
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",  # two on one node answer more than one that waits
        "labelSelector": {"matchLabels": names.selector},
    }
    found: dict[str, Any] = {"topologySpreadConstraints": [spread]}
    if pod.priority_class_name:
        found["priorityClassName"] = pod.priority_class_name
    return found


def _container(plan: DeploymentPlan, names: Names) -> dict[str, Any]:
    server = plan.server
    return {
        "name": "vllm",
        "image": server.image,
        "command": list(server.arguments.command()),
        "ports": [{"name": "http", "containerPort": server.arguments.port}],
        "env": _environment(plan, names),
        "resources": _resources(plan),
        "securityContext": build_container_security(),
        "volumeMounts": _mounts(plan),
        "lifecycle": {"preStop": {"sleep": {"seconds": server.drain_delay_s}}},
        **build_probes(server.start.container_s),
    }


def _resources(plan: DeploymentPlan) -> dict[str, Any]:
    server, resources = plan.server, plan.server.resources
    gpus = {name: str(count) for name, count in server.gpu.devices.items()}
    return {
        "requests": {"cpu": resources.cpu_request, "memory": resources.memory_request, **gpus},
        "limits": {"cpu": resources.cpu_limit, "memory": resources.memory_limit, **gpus},
    }


def _mounts(plan: DeploymentPlan) -> list[dict[str, Any]]:
    return [
        model_mount(plan),
        {"name": "shm", "mountPath": "/dev/shm"},
        *guard_mounts(),
        *kernel_mounts(plan),
    ]


def _environment(plan: DeploymentPlan, names: Names) -> list[dict[str, Any]]:
    key = {"name": names.key_secret, "key": plan.endpoint.key_secret.key}
    return [
        {"name": KEY_VARIABLE, "valueFrom": {"secretKeyRef": key}},
        *({"name": name, "value": value} for name, value in plan.server.environment.items()),
        *guard_environment(plan),
        *kernel_environment(plan),
    ]
