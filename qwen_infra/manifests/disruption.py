"""How many replicas a node drain may take at once."""

from typing import Any

from qwen_infra.manifests.names import Names
from qwen_infra.planning import DeploymentPlan

__all__ = ["build_disruption_budget"]


def build_disruption_budget(plan: DeploymentPlan, names: Names) -> dict[str, Any] | None:
    """One replica at a time; None for a single one, where a budget would only block every drain."""
    scaling = plan.endpoint.settings.autoscaling
    fewest = scaling.min_replicas if scaling else plan.server.replicas
    if fewest < 2:
        return None
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": names.generation, "namespace": names.namespace, "labels": names.generation_labels},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": names.selector}},
    }
