"""The NetworkPolicy: who may reach the server's port. Everybody else is refused by the network."""

from typing import Any

from qwen_infra.manifests.names import Names
from qwen_infra.planning import DeploymentPlan
from qwen_infra.settings import AccessRule

__all__ = ["build_network_policy"]

NAMESPACE_LABEL = "kubernetes.io/metadata.name"
"""Set on every namespace by the API server (Kubernetes 1.22 and newer)."""


def build_network_policy(plan: DeploymentPlan, names: Names) -> dict[str, Any]:
    """Ingress to the port from the listed peers, the route's gateway and Prometheus; all between the server's pods.

    A kubelet's probes and ``kubectl port-forward`` come from the pod's own node, which no NetworkPolicy refuses.
    """
    port = {"protocol": "TCP", "port": plan.server.arguments.port}
    rules: list[dict[str, Any]] = []
    if peers := _peers(plan):  # a rule with an empty list of peers would let everybody in
        rules.append({"ports": [port], "from": peers})
    ours = {names.benchmark: plan.benchmark.runner == "job", names.verification: plan.verification.schedule is not None}
    rules += [
        {"ports": [port], "from": [{"podSelector": {"matchLabels": {"app": app}}}]}
        for app, made in ours.items()
        if made
    ]
    if plan.server.nodes_per_replica > 1:
        rules.append({"from": [{"podSelector": {"matchLabels": names.family_selector}}]})
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": names.server, "namespace": names.namespace, "labels": names.labels},
        "spec": {
            "podSelector": {"matchLabels": names.family_selector},
            "policyTypes": ["Ingress"],
            # the API server drops an empty list, which would read as drift
            **({"ingress": rules} if rules else {}),
        },
    }


def _peers(plan: DeploymentPlan) -> list[dict[str, Any]]:
    endpoint = plan.endpoint.settings
    listed = endpoint.allow_from if endpoint.allow_from is not None else (AccessRule(),)
    peers = [_peer(rule) for rule in listed]
    namespaces = []
    if endpoint.route is not None:
        is_gateway = endpoint.route.kind == "httpRoute"
        namespaces.append(endpoint.route.gateway_namespace if is_gateway else endpoint.route.controller_namespace)
    if endpoint.monitoring is not None:
        namespaces.append(endpoint.monitoring.namespace)
    peers += [_peer(AccessRule(namespace=namespace or plan.cluster.namespace)) for namespace in namespaces]
    return [peer for at, peer in enumerate(peers) if peer not in peers[:at]]


def _peer(rule: AccessRule) -> dict[str, Any]:
    if rule.cidr:
        return {"ipBlock": {"cidr": rule.cidr}}
    pods: dict[str, Any] = {"podSelector": {"matchLabels": rule.pod_labels} if rule.pod_labels else {}}
    if rule.namespace:
        pods["namespaceSelector"] = {"matchLabels": {NAMESPACE_LABEL: rule.namespace}}
    return pods
