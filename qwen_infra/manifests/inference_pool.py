"""The InferencePool, by which an inference gateway chooses the replica for each request."""

from typing import Any

from qwen_infra.manifests.names import Names
from qwen_infra.manifests.service import answering_pods
from qwen_infra.planning import DeploymentPlan
from qwen_infra.settings import InferencePoolSettings

__all__ = ["build_inference_pool"]


def build_inference_pool(plan: DeploymentPlan, names: Names, pool: InferencePoolSettings) -> dict[str, Any]:
    """The pool of the server's pods; the endpoint picker itself is the user's (it is installed per gateway)."""
    return {
        "apiVersion": "inference.networking.k8s.io/v1",
        "kind": "InferencePool",
        "metadata": {"name": names.server, "namespace": names.namespace, "labels": names.labels},
        "spec": {
            "selector": {"matchLabels": answering_pods(plan, names)},
            "targetPorts": [{"number": plan.server.arguments.port}],
            "endpointPickerRef": {"name": pool.endpoint_picker, "port": {"number": pool.port}},
        },
    }
