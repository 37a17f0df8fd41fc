"""The server's Deployment; its pod is in ``pod.py``."""

from typing import Any

from qwen_infra.manifests.leader_worker_set import build_leader_worker_set
from qwen_infra.manifests.names import Names
from qwen_infra.manifests.pod import build_pod_template
from qwen_infra.planning import DeploymentPlan

__all__ = ["build_deployment", "build_server", "pod_templates"]

SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
"""Pulumi's own await says nothing of GPUs, events or logs; ``ServerReadiness`` waits instead."""


def build_server(plan: DeploymentPlan, names: Names) -> dict[str, Any]:
    """The object that makes the server's pods: a Deployment, or a LeaderWorkerSet where a replica spans nodes."""
    build = build_leader_worker_set if plan.server.nodes_per_replica > 1 else build_deployment
    return build(plan, names)


def pod_templates(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The templates of all pods that ``build_server``'s object makes: one, or a leader's and a worker's."""
    spec = manifest["spec"]
    group = spec.get("leaderWorkerTemplate")
    return [group["leaderTemplate"], group["workerTemplate"]] if group else [spec["template"]]


def build_deployment(plan: DeploymentPlan, names: Names) -> dict[str, Any]:
    """The Deployment that runs ``vllm serve``; how an update replaces its pods is ``planning.rollout``'s choice."""
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
            "strategy": plan.server.rollout.to_manifest(),
            "progressDeadlineSeconds": plan.longest_start_s,
            "selector": {"matchLabels": names.selector},
            "template": build_pod_template(plan, names),
        },
    }


def _replicas(plan: DeploymentPlan) -> dict[str, int]:
    """Left out where an autoscaler owns the number, so that the next `up` does not undo what it chose."""
    return {} if plan.endpoint.settings.autoscaling else {"replicas": plan.server.replicas}
