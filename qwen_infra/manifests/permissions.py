"""What a Role must allow for a plan: derived from the plan's own objects, so that a new object is never forgotten."""

from collections.abc import Mapping

from qwen_infra.manifests.rendering import render_objects
from qwen_infra.planning import DeploymentPlan

__all__ = ["USUAL_PERMISSIONS", "Permissions", "list_permissions"]

OWNING_VERBS = ("create", "get", "patch", "delete")
"""Of ``pulumi up``, ``refresh`` and ``destroy`` on every object; an object that must be replaced is deleted."""
CHECKING = {("", "pods"): ("get", "list"), ("", "pods/log"): ("get",), ("", "pods/portforward"): ("create",)}
"""Of the wait for readiness (pods, logs of one that fails) and of the checks, which reach the server by a tunnel.
kubectl gets a pod before it asks for its log or its port."""

Permissions = Mapping[tuple[str, str], tuple[str, ...]]

USUAL_PERMISSIONS: Permissions = {
    ("apps", "deployments"): OWNING_VERBS,
    ("batch", "jobs"): OWNING_VERBS,
    ("networking.k8s.io", "networkpolicies"): OWNING_VERBS,
    **{("", resource): OWNING_VERBS for resource in ("configmaps", "secrets", "services")},
    **CHECKING,
}
"""Of a stack that changes nothing about its objects' kinds; for who asks before there is one."""


def list_permissions(plan: DeploymentPlan, *, namespace_exists: bool) -> Permissions:
    """(API group, resource) to verbs; all in the plan's namespace but the creation of that namespace."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for item in render_objects(plan):
        if item["kind"] != "Namespace":
            found[item["apiVersion"].rpartition("/")[0], _plural(item["kind"])] = OWNING_VERBS
        elif not namespace_exists:
            found["", "namespaces"] = ("create",)
    if plan.benchmark.runner == "job":
        found["batch", "jobs"] = OWNING_VERBS
    found.setdefault(("", "secrets"), ("get",))
    if plan.server.rollout.is_gated:  # which generation serves is read from them
        for key in [key for key in found if key[1] in {"deployments", "services", "leaderworkersets"}]:
            found[key] = (*found[key], "list")
    return found | CHECKING


def _plural(kind: str) -> str:
    """The resource of a kind, as the API server names all kinds that are rendered here."""
    name = kind.lower()
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}es" if name.endswith("s") else f"{name}s"
