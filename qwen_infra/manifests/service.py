"""The Service in front of the server's pods."""

from typing import Any

from qwen_infra.manifests.leader_worker_set import LEADER, ROLE_LABEL
from qwen_infra.manifests.names import Names
from qwen_infra.planning import DeploymentPlan

__all__ = ["OWN_SERVICE_LABEL", "answering_pods", "build_own_service", "build_service"]

SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
"""The Service's awaiter takes ten seconds and proves nothing that the verification does not."""
OWN_SERVICE_LABEL = "qwen-infra.dev/own-service"
"""On the Service of one generation, so that a monitor finds each pod by one Service only."""


def build_service(plan: DeploymentPlan, names: Names) -> dict[str, Any]:
    """The Service, on fixed ports: what a client was told once stays true."""
    endpoint = plan.endpoint.settings
    port: dict[str, Any] = {"name": "http", "port": plan.endpoint.port, "targetPort": plan.server.arguments.port}
    spec: dict[str, Any] = {"type": endpoint.type, "selector": answering_pods(plan, names), "ports": [port]}
    if endpoint.node_port is not None:
        port["nodePort"] = endpoint.node_port
    if endpoint.type == "LoadBalancer":
        # the client's address must stay readable for sourceRanges and the NetworkPolicy
        spec["externalTrafficPolicy"] = "Local"
        if endpoint.source_ranges:
            spec["loadBalancerSourceRanges"] = list(endpoint.source_ranges)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": names.service,
            "namespace": names.namespace,
            "labels": names.labels,
            "annotations": {**SKIP_AWAIT, **endpoint.annotations},
        },
        "spec": spec,
    }


def build_own_service(plan: DeploymentPlan, names: Names) -> dict[str, Any]:
    """The Service of one generation, by which it is checked while the endpoint still shows another one."""
    port = {"name": "http", "port": plan.endpoint.port, "targetPort": plan.server.arguments.port}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": names.own_service,
            "namespace": names.namespace,
            "labels": {**names.generation_labels, OWN_SERVICE_LABEL: "true"},
            "annotations": {**SKIP_AWAIT},
        },
        "spec": {"type": "ClusterIP", "selector": answering_pods(plan, names), "ports": [port]},
    }


def answering_pods(plan: DeploymentPlan, names: Names) -> dict[str, str]:
    """Labels of the pods that answer: of several nodes, only the leader does."""
    return {**names.selector, **({ROLE_LABEL: LEADER} if plan.server.nodes_per_replica > 1 else {})}
