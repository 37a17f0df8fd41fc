"""The endpoint's objects in the order in which they are made, the namespace, and the shape of the API key's Secret."""

from typing import Any

from qwen_infra.manifests.autoscaling import build_autoscaler
from qwen_infra.manifests.inference_pool import build_inference_pool
from qwen_infra.manifests.monitoring import build_dashboard, build_monitor
from qwen_infra.manifests.names import STACK_LABEL, Names
from qwen_infra.manifests.network_policy import build_network_policy
from qwen_infra.manifests.route import build_route
from qwen_infra.manifests.service import build_service
from qwen_infra.manifests.verification import build_verification_program, build_verification_schedule
from qwen_infra.planning import DeploymentPlan

__all__ = ["build_endpoint", "build_key_secret", "build_namespace"]


def build_namespace(names: Names) -> dict[str, Any]:
    """The namespace that the stack owns."""
    kept = ("app.kubernetes.io/managed-by", STACK_LABEL)
    labels = {key: value for key, value in names.labels.items() if key in kept}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": names.namespace, "labels": labels}}


def build_endpoint(plan: DeploymentPlan, names: Names) -> dict[str, dict[str, Any]]:
    """Every object of the endpoint that the stack file asks for, by a word that names its part."""
    endpoint = plan.endpoint.settings
    found = {"service": build_service(plan, names)}
    if endpoint.network_policy:
        found["network-policy"] = build_network_policy(plan, names)
    if endpoint.inference_pool is not None:
        found["inference-pool"] = build_inference_pool(plan, names, endpoint.inference_pool)
    if endpoint.route is not None:
        found["route"] = build_route(plan, names, endpoint.route)
    if endpoint.monitoring is not None:
        found["monitor"] = build_monitor(plan, names, endpoint.monitoring)
        if endpoint.monitoring.dashboard:
            found["dashboard"] = build_dashboard(plan, names, endpoint.monitoring)
    if endpoint.autoscaling is not None:
        found["autoscaler"] = build_autoscaler(plan, names, endpoint.autoscaling)
    if plan.verification.schedule is not None:
        found["verification-program"] = build_verification_program(names)
        found["verification-schedule"] = build_verification_schedule(plan, names, plan.verification.schedule)
    return found


def build_key_secret(plan: DeploymentPlan, names: Names, value: str) -> dict[str, Any]:
    """The Secret with the API key; ``value`` is a placeholder wherever it is only shown."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": names.key_secret, "namespace": names.namespace, "labels": names.labels},
        "stringData": {plan.endpoint.key_secret.key: value},
    }
