"""The address for clients outside the cluster, from the plan and what the cluster gave the Service."""

from collections.abc import Mapping
from typing import Any

from qwen_infra.addresses import url_host
from qwen_infra.planning import DeploymentPlan

__all__ = ["tell_external_url"]


def tell_external_url(plan: DeploymentPlan, service_status: Mapping[str, Any] | None) -> str:
    """A URL, or how to find it where only the cluster knows; empty when there is no way in from outside."""
    endpoint, port = plan.endpoint.settings, plan.endpoint.port
    if endpoint.route is not None:
        return f"https://{endpoint.route.host}"
    look = f"kubectl --namespace {plan.cluster.namespace} get service {plan.endpoint.service_name}"
    if endpoint.type == "LoadBalancer":
        given = ((service_status or {}).get("loadBalancer") or {}).get("ingress") or []
        address = next((item.get("hostname") or item.get("ip") for item in given), None)
        return f"http://{url_host(address)}:{port}" if address else f"not assigned yet: {look}"
    if endpoint.type == "NodePort":
        chosen = endpoint.node_port
        return f"http://<any node>:{chosen}" if chosen else f"http://<any node>:<port of: {look}>"
    return ""
