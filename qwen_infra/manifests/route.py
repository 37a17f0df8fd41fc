"""The way in from outside the cluster: an HTTPRoute or an Ingress, for the guarded paths only."""

from typing import Any

from qwen_infra.manifests.names import Names
from qwen_infra.planning import DeploymentPlan
from qwen_infra.settings import RouteSettings

__all__ = ["GUARDED_PREFIXES", "build_route"]

GUARDED_PREFIXES = ("/v1", "/v2", "/inference", "/cohere")
"""What vLLM 0.32 guards by its key (``entrypoints/serve/middleware/authenticate.py``, ``GUARDED_PREFIX``)."""
NGINX = "nginx.ingress.kubernetes.io"
LONGEST_ANSWER_S = 3600
"""Proxies cut an answer after a minute by default; a thinking model streams for longer than that."""


def build_route(plan: DeploymentPlan, names: Names, route: RouteSettings) -> dict[str, Any]:
    """The route of the stack file's ``endpoint.route``."""
    return _http_route(plan, names, route) if route.kind == "httpRoute" else _ingress(plan, names, route)


def _http_route(plan: DeploymentPlan, names: Names, route: RouteSettings) -> dict[str, Any]:
    parent = {
        "name": route.gateway,
        **({"namespace": route.gateway_namespace} if route.gateway_namespace else {}),
        **({"sectionName": route.section} if route.section else {}),
    }
    backend: dict[str, Any] = {"name": names.service, "port": plan.endpoint.port}
    if plan.endpoint.settings.inference_pool is not None:
        backend = {"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": names.server}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": _metadata(names, route.annotations),
        "spec": {
            "parentRefs": [parent],
            "hostnames": [route.host],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": prefix}} for prefix in GUARDED_PREFIXES],
                    "backendRefs": [backend],
                    "timeouts": {"request": f"{LONGEST_ANSWER_S}s"},
                }
            ],
        },
    }


def _ingress(plan: DeploymentPlan, names: Names, route: RouteSettings) -> dict[str, Any]:
    backend = {"service": {"name": names.service, "port": {"number": plan.endpoint.port}}}
    patience = {
        f"{NGINX}/proxy-read-timeout": str(LONGEST_ANSWER_S),
        f"{NGINX}/proxy-buffering": "off",
        f"{NGINX}/proxy-body-size": "64m",  # images in requests
    }
    paths = [{"path": prefix, "pathType": "Prefix", "backend": backend} for prefix in GUARDED_PREFIXES]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        # Pulumi's own wait for an Ingress needs a controller's answer and tells nothing that a request does not
        "metadata": _metadata(names, {"pulumi.com/skipAwait": "true", **patience, **route.annotations}),
        "spec": {
            **({"ingressClassName": route.ingress_class} if route.ingress_class else {}),
            "tls": [{"hosts": [route.host], "secretName": route.tls_secret}],
            "rules": [{"host": route.host, "http": {"paths": paths}}],
        },
    }


def _metadata(names: Names, annotations: dict[str, str]) -> dict[str, Any]:
    return {
        "name": names.server,
        "namespace": names.namespace,
        "labels": names.labels,
        **({"annotations": annotations} if annotations else {}),
    }
