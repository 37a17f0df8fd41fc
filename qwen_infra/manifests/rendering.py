"""All objects of a plan, in the order in which they are created; without a cluster and without Pulumi."""

from collections.abc import Sequence
from typing import Any

from qwen_infra.manifests.cache import build_cache
from qwen_infra.manifests.disruption import build_disruption_budget
from qwen_infra.manifests.endpoint import build_endpoint, build_key_secret, build_namespace
from qwen_infra.manifests.guard import build_guard
from qwen_infra.manifests.leader_worker_set import build_compute_domain
from qwen_infra.manifests.names import decide_names
from qwen_infra.manifests.server import build_server
from qwen_infra.manifests.service import build_own_service
from qwen_infra.planning import DeploymentPlan

__all__ = ["render_objects", "render_stack"]

KEY_PLACEHOLDER = "<generated at deployment>"


def render_stack(plans: Sequence[DeploymentPlan]) -> list[dict[str, Any]]:
    """The Kubernetes objects of all plans of a stack; what they share, the namespace, stands once."""
    found: list[dict[str, Any]] = []
    for plan in plans:
        found += [item for item in render_objects(plan) if item not in found]
    return found


def render_objects(plan: DeploymentPlan) -> list[dict[str, Any]]:
    """The Kubernetes objects of a plan; the API key is a placeholder, never a real one."""
    names = decide_names(plan)
    found: list[dict[str, Any]] = []
    if plan.cluster.create_namespace:
        found.append(build_namespace(names))
    found += build_cache(plan, names)
    if plan.endpoint.creates_key:
        found.append(build_key_secret(plan, names, KEY_PLACEHOLDER))
    found.append(build_guard(names))
    if (budget := build_disruption_budget(plan, names)) is not None:
        found.append(budget)
    if plan.server.compute_domain:
        found.append(build_compute_domain(plan, names))
    found.append(build_server(plan, names))
    if plan.server.rollout.is_gated:
        found.append(build_own_service(plan, names))
    return [*found, *build_endpoint(plan, names).values()]
