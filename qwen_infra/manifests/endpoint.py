"""The Service, the namespace and the shape of the API key's Secret."""

from typing import Any

from qwen_infra.manifests.names import Names
from qwen_infra.planning import DeploymentPlan

__all__ = ["build_key_secret", "build_namespace", "build_service"]

SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
"""The Service's awaiter takes ten seconds and proves nothing that the verification does not."""


def build_namespace(names: Names) -> dict[str, Any]:
    """The namespace that the stack owns."""
    labels = {"app.kubernetes.io/managed-by": names.labels["app.kubernetes.io/managed-by"]}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": names.namespace, "labels": labels}}


def build_service(plan: DeploymentPlan, names: Names) -> dict[str, Any]:
    """The Service in front of the server's pods."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": names.service,
            "namespace": names.namespace,
            "labels": names.labels,
            "annotations": SKIP_AWAIT,
        },
        "spec": {
            "type": "ClusterIP",
            "selector": names.selector,
            "ports": [{"name": "http", "port": plan.endpoint.port, "targetPort": plan.server.arguments.port}],
        },
    }


def build_key_secret(plan: DeploymentPlan, names: Names, value: str) -> dict[str, Any]:
    """The Secret with the API key; ``value`` is a placeholder wherever it is only shown."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": names.key_secret, "namespace": names.namespace, "labels": names.labels},
        "stringData": {plan.endpoint.key_secret.key: value},
    }
