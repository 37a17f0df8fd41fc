"""The server's Deployment; its pod is in ``pod.py``."""

from typing import Any

from qwen_infra.manifests.names import Names
from qwen_infra.manifests.pod import build_pod_template
from qwen_infra.planning import DeploymentPlan

__all__ = ["build_deployment"]

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
            **_replicas(plan),
            "strategy": {"type": "Recreate"},
            "progressDeadlineSeconds": plan.server.start.rollout_s,
            "selector": {"matchLabels": names.selector},
            "template": build_pod_template(plan, names),
        },
    }


def _replicas(plan: DeploymentPlan) -> dict[str, int]:
    """Left out where an autoscaler owns the number, so that the next `up` does not undo what it chose."""
    return {} if plan.endpoint.settings.autoscaling else {"replicas": plan.server.replicas}
