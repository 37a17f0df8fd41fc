"""From the stack file's ``endpoint`` to the plan of the Service, the key and the ways in."""

from qwen_infra.errors import ConfigurationError
from qwen_infra.planning.deployment_plan import EndpointPlan
from qwen_infra.planning.naming import check_service_name
from qwen_infra.settings import ApiKeySecret, EndpointSettings

__all__ = ["plan_endpoint"]

FIRST_UNPRIVILEGED_PORT = 1024
"""Ports below need a capability, and the container has none."""
RESERVED_PORTS = {
    29501: "vLLM's --master-port, by which the ranks of several nodes find each other",
    29550: "vLLM's --data-parallel-rpc-port",
}
NODE_PORTS = range(30000, 32768)
"""Kubernetes' default ``--service-node-port-range``."""


def plan_endpoint(endpoint: EndpointSettings, server_name: str) -> EndpointPlan:
    """The endpoint that the settings ask for.

    Raises:
        ConfigurationError: a reserved name or port, or a Service that nobody outside could reach.
    """
    service_name = endpoint.service_name or f"{server_name}-service"
    check_service_name(service_name, server_name)
    _check_ports(endpoint)
    _check_reachable(endpoint)
    key = endpoint.api_key
    opened = ("/metrics",) if endpoint.inference_pool and "/metrics" not in endpoint.open_paths else ()
    return EndpointPlan(
        service_name=service_name,
        port=endpoint.port,
        key_secret=ApiKeySecret(secret_name=key.secret_name or f"{server_name}-api-key", key=key.key),
        creates_key=key.secret_name is None,
        # endpoint pickers read every replica's metrics and send no key
        open_paths=(*endpoint.open_paths, *opened),
        url=endpoint.url,
        settings=endpoint,
    )


def _check_ports(endpoint: EndpointSettings) -> None:
    port, key = endpoint.port, "qwen-infra:endpoint.port"
    if port < FIRST_UNPRIVILEGED_PORT or port in RESERVED_PORTS:
        raise ConfigurationError(
            f"port {port} is reserved: {RESERVED_PORTS.get(port, 'only a privileged process may listen below 1024')}",
            where=key,
            expected="1024 to 65535, such as 8000; a route or a load balancer gives clients port 443",
            mend=f"pulumi config set --path '{key}' 8000",
        )
    node_port, key = endpoint.node_port, "qwen-infra:endpoint.nodePort"
    if node_port is not None and node_port not in NODE_PORTS:
        raise ConfigurationError(
            "this port is not one that a Service may take on the nodes",
            where=key,
            found=node_port,
            expected=f"{NODE_PORTS.start} to {NODE_PORTS.stop - 1}",
            mend=f"pulumi config set --path '{key}' 30800",
        )


def _check_reachable(endpoint: EndpointSettings) -> None:
    if endpoint.type == "ClusterIP" or not endpoint.network_policy:
        return
    if not any(rule.cidr for rule in endpoint.allow_from or ()):
        key = "qwen-infra:endpoint.allowFrom"
        raise ConfigurationError(
            f"a Service of type {endpoint.type} is for clients outside the cluster, and the NetworkPolicy lets none in",
            where=key,
            expected="a rule with cidr",
            mend=f"pulumi config set --path '{key}[0].cidr' 10.0.0.0/8",
        )
