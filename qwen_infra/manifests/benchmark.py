"""The Job that makes a benchmark's load beside the server, with the image's own ``vllm bench serve``."""

from collections.abc import Sequence
from typing import Any

from qwen_infra.manifests.names import Names
from qwen_infra.manifests.placement import build_placement
from qwen_infra.manifests.pull_secrets import build_pull_secrets
from qwen_infra.manifests.security import build_container_security, build_pod_security
from qwen_infra.manifests.storage import model_mount, model_volume
from qwen_infra.planning import DeploymentPlan

__all__ = ["CONTAINER", "build_benchmark_job"]

CONTAINER = "benchmark"
KEEP_S = 3600
"""How long a finished Job is kept when nobody lives to delete it."""


def build_benchmark_job(
    plan: DeploymentPlan, names: Names, command: Sequence[str], *, timeout_s: int
) -> dict[str, Any]:
    """The Job, on the server's node, where the checkpoint with its tokenizer lies; no GPU, no second try."""
    labels = {"app": names.benchmark, "app.kubernetes.io/part-of": names.server}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": names.benchmark, "namespace": names.namespace, "labels": {**names.labels, **labels}},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": timeout_s,
            "ttlSecondsAfterFinished": KEEP_S,
            "template": {"metadata": {"labels": labels}, "spec": _pod(plan, names, command)},
        },
    }


def _pod(plan: DeploymentPlan, names: Names, command: Sequence[str]) -> dict[str, Any]:
    job = plan.benchmark.job
    key = {"name": names.key_secret, "key": plan.endpoint.key_secret.key}
    return {
        "restartPolicy": "Never",
        **build_pod_security(),
        **build_placement(plan.server, plan.cache.nodes),
        **build_pull_secrets(plan.server),
        "containers": [
            {
                "name": CONTAINER,
                "image": plan.server.image,
                "command": list(command),
                "env": [
                    {"name": "OPENAI_API_KEY", "valueFrom": {"secretKeyRef": key}},
                    {"name": "HF_HUB_OFFLINE", "value": "1"},
                    {"name": "HOME", "value": "/tmp"},
                    {"name": "VLLM_NO_USAGE_STATS", "value": "1"},
                ],
                "resources": {
                    "requests": {"cpu": job.cpu_request, "memory": job.memory_request},
                    "limits": {"memory": job.memory_request},
                },
                "securityContext": build_container_security(),
                "volumeMounts": [
                    model_mount(plan),
                    {"name": "scratch", "mountPath": "/tmp"},
                ],
            }
        ],
        "volumes": [model_volume(plan, names), {"name": "scratch", "emptyDir": {}}],
    }
