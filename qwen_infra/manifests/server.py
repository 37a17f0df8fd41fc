"""The server's Deployment; its pod is in ``pod.py``."""

import hashlib
import json
from dataclasses import replace
from typing import Any

from qwen_infra.manifests.leader_worker_set import build_leader_worker_set
from qwen_infra.manifests.names import Names, decide_names
from qwen_infra.manifests.pod import build_pod_template
from qwen_infra.manifests.replicas import build_replicas
from qwen_infra.planning import DeploymentPlan

__all__ = ["GENERATION", "ROLLOUT", "build_deployment", "build_server", "generation_digest", "pod_templates"]

SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
"""Pulumi's own await says nothing of GPUs, events or logs; ``ServerReadiness`` waits instead."""
GENERATION = "qwen-infra.dev/generation"
"""Annotation: digest of the pods, by which the next preview sees whether they would be others."""
ROLLOUT = "qwen-infra.dev/rollout"
"""Annotation of a generation that another one may follow: such an object is never protected."""


def build_server(plan: DeploymentPlan, names: Names) -> dict[str, Any]:
    """The object that makes the server's pods: a Deployment, or a LeaderWorkerSet where a replica spans nodes."""
    manifest = _build(plan, names)
    manifest["metadata"]["annotations"][GENERATION] = generation_digest(plan)
    if plan.server.rollout.is_gated:
        manifest["metadata"]["annotations"][ROLLOUT] = plan.server.rollout.strategy
    return manifest


def generation_digest(plan: DeploymentPlan) -> str:
    """A digest of the pods alone: the same for both slots, and for any number of copies."""
    rollout = replace(plan.server.rollout, slot="")
    neutral = replace(plan, server=replace(plan.server, rollout=rollout))
    spec = _build(neutral, decide_names(neutral))["spec"]
    pods = spec.get("leaderWorkerTemplate") or spec["template"]
    return hashlib.sha256(json.dumps(pods, sort_keys=True).encode()).hexdigest()[:12]


def _build(plan: DeploymentPlan, names: Names) -> dict[str, Any]:
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
            "name": names.generation,
            "namespace": names.namespace,
            "labels": names.generation_labels,
            "annotations": {**SKIP_AWAIT, "qwen-infra.dev/model-revision": plan.cache.revision},
        },
        "spec": {
            **build_replicas(plan),
            "strategy": plan.server.rollout.to_manifest(),
            "progressDeadlineSeconds": plan.longest_start_s,
            "selector": {"matchLabels": names.selector},
            "template": build_pod_template(plan, names),
        },
    }
