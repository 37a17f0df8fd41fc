"""The server's Deployment."""

import math
from typing import Any

from qwen_infra.manifests.names import Names
from qwen_infra.manifests.storage import model_volume
from qwen_infra.planning import DeploymentPlan
from qwen_infra.planning.deployment_plan import ServerPlan

__all__ = ["build_deployment"]

PROBE_PERIOD_S = 10
KEY_VARIABLE = "VLLM_API_KEY"
SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
"""Pulumi's own await says nothing of GPUs, events or logs; ``ServerReadiness`` waits instead."""


def build_deployment(plan: DeploymentPlan, names: Names) -> dict[str, Any]:
    """The Deployment that runs ``vllm serve``; ``Recreate``, since the new pod needs the GPUs of the old one."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": names.server,
            "namespace": names.namespace,
            "labels": names.labels,
            "annotations": {**SKIP_AWAIT, "qwen-infra.dev/model-revision": plan.cache.revision},
        },
        "spec": {
            "replicas": plan.server.replicas,
            "strategy": {"type": "Recreate"},
            "progressDeadlineSeconds": plan.server.ready_timeout_s,
            "selector": {"matchLabels": names.selector},
            "template": {
                "metadata": {
                    "labels": names.labels,
                    "annotations": {"qwen-infra.dev/model-revision": plan.cache.revision},
                },
                "spec": _pod(plan, names),
            },
        },
    }


def _pod(plan: DeploymentPlan, names: Names) -> dict[str, Any]:
    server = plan.server
    return {
        "nodeSelector": node_selector(server),
        "tolerations": [{"key": server.gpu.resource_name, "operator": "Exists", "effect": "NoSchedule"}],
        "terminationGracePeriodSeconds": server.termination_grace_s,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [_container(plan, names)],
        "volumes": [
            model_volume(plan, "model"),
            {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": server.resources.shared_memory}},
        ],
    }


def node_selector(server: ServerPlan) -> dict[str, str]:
    """Nodes with the planned GPU, or the one node that was named."""
    product = {server.gpu.node_label_key: server.gpu.product_label}
    return product | ({"kubernetes.io/hostname": server.node} if server.node else {})


def _container(plan: DeploymentPlan, names: Names) -> dict[str, Any]:
    server, resources = plan.server, plan.server.resources
    gpus = {server.gpu.resource_name: str(server.gpu.count)}
    return {
        "name": "vllm",
        "image": server.image,
        "command": list(server.arguments.command()),
        "ports": [{"name": "http", "containerPort": server.arguments.port}],
        "env": _environment(plan, names),
        "resources": {
            "requests": {"cpu": resources.cpu_request, "memory": resources.memory_request, **gpus},
            "limits": {"cpu": resources.cpu_limit, "memory": resources.memory_limit, **gpus},
        },
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [
            {
                "name": "model",
                "mountPath": plan.cache.mount_path,
                "readOnly": True,
                **({"subPath": plan.cache.folder} if plan.cache.storage.kind == "existingClaim" else {}),
            },
            {"name": "shm", "mountPath": "/dev/shm"},
        ],
        "lifecycle": {"preStop": {"sleep": {"seconds": server.drain_delay_s}}},
        **_probes(server),
    }


def _environment(plan: DeploymentPlan, names: Names) -> list[dict[str, Any]]:
    key = {"name": names.key_secret, "key": plan.endpoint.key_secret.key}
    return [
        {"name": KEY_VARIABLE, "valueFrom": {"secretKeyRef": key}},
        {"name": "HF_HUB_OFFLINE", "value": "1"},
        # vLLM gives up after 600 s by itself, less than a large model needs
        {"name": "VLLM_ENGINE_READY_TIMEOUT_S", "value": str(plan.server.ready_timeout_s)},
    ]


def _probes(server: ServerPlan) -> dict[str, Any]:
    """Startup as long as the budget, readiness quick, liveness slow to kill: /health is 503 when the engine is dead."""
    health = {"httpGet": {"path": "/health", "port": "http"}}
    attempts = math.ceil(server.ready_timeout_s / PROBE_PERIOD_S)
    return {
        "startupProbe": {
            **health,
            "periodSeconds": PROBE_PERIOD_S,
            "timeoutSeconds": 5,
            "failureThreshold": attempts,
        },
        "readinessProbe": {**health, "periodSeconds": 5, "timeoutSeconds": 5, "failureThreshold": 3},
        "livenessProbe": {**health, "periodSeconds": 30, "timeoutSeconds": 10, "failureThreshold": 6},
    }
