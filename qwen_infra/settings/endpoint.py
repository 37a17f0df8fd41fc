"""The key ``endpoint``."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, StringConstraints, WithJsonSchema, model_validator

from qwen_infra.settings.base import DnsLabel, Settings

__all__ = [
    "AccessRule",
    "ApiKeySecret",
    "ApiKeySettings",
    "AutoscalingSettings",
    "EndpointSettings",
    "InferencePoolSettings",
    "MonitoringSettings",
    "RouteSettings",
]

HostName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$", max_length=253)
]
Cidr = Annotated[str, StringConstraints(pattern=r"^([0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}|[0-9a-fA-F:]+/[0-9]{1,3})$")]
OpenPath = Annotated[str, StringConstraints(pattern=r"^/[^\s,]*$")]


def _read_given_key(value: Any) -> Any:
    """Without Pulumi the key is what Pulumi wrote into the stack file, which only Pulumi can read."""
    is_encrypted = isinstance(value, dict) and set(value) == {"secure"}
    return ENCRYPTED if is_encrypted else value


ENCRYPTED = "encrypted in the stack file"
GivenKey = Annotated[
    SecretStr,
    Field(min_length=16),
    BeforeValidator(_read_given_key),
    WithJsonSchema(
        {
            "type": "object",
            "properties": {"secure": {"type": "string"}},
            "required": ["secure"],
            "additionalProperties": False,
        }
    ),
]


class ApiKeySecret(Settings):
    """One value of a Secret: its name and the key inside it."""

    secret_name: DnsLabel = Field(description="Name of the Secret.")
    key: str = Field("api-key", min_length=1, description="Key inside the Secret.")


class ApiKeySettings(Settings):
    """Where the API key comes from: generated (nothing given), given (``value``), or an existing Secret."""

    secret_name: DnsLabel | None = Field(None, description="Existing Secret with the key; default: one is made.")
    key: str = Field("api-key", pattern=r"^[-._a-zA-Z0-9]+$", description="Key inside the Secret.")
    value: GivenKey | None = Field(None, description="The API key itself, set with `pulumi config set --secret`.")
    rotation: int = Field(1, ge=1, description="Raise it to have another key generated.")
    keep_previous: bool = Field(True, description="Whether the key before the last rotation is still accepted.")

    @model_validator(mode="after")
    def _comes_from_one_place(self) -> "ApiKeySettings":
        if self.secret_name and (self.value or self.rotation > 1):
            raise ValueError(
                "secretName names a Secret of yours, so value and rotation do not go with it; "
                "rotate it by putting the new key under `key` and the old one under `previous-<key>`"
            )
        if self.value and self.rotation > 1:
            raise ValueError("rotation is of generated keys; a given key is rotated by giving another value")
        return self


class AccessRule(Settings):
    """Who may reach the server's port: pods (of a namespace, with labels), or addresses."""

    namespace: DnsLabel | None = Field(None, description="Namespace of the pods; default: the stack's.")
    pod_labels: dict[str, str] = Field(default_factory=dict, description="Labels of the pods; default: all pods there.")
    cidr: Cidr | None = Field(None, description="Addresses instead of pods, such as 10.0.0.0/8.")

    @model_validator(mode="after")
    def _is_pods_or_addresses(self) -> "AccessRule":
        if self.cidr and (self.namespace or self.pod_labels):
            raise ValueError("a rule is about addresses (cidr) or about pods (namespace, podLabels), not both")
        return self


class RouteSettings(Settings):
    """The way in from outside, with TLS, that shows only the paths which vLLM guards by the key."""

    kind: Literal["httpRoute", "ingress"] = Field(description="httpRoute (Gateway API) or ingress.")
    host: HostName = Field(description="Host name that clients use, such as qwen.example.com.")
    gateway: DnsLabel | None = Field(None, description="Gateway with the TLS listener (httpRoute).")
    gateway_namespace: DnsLabel | None = Field(None, description="Namespace of its pods and of the Gateway.")
    section: DnsLabel | None = Field(None, description="Listener of the Gateway; default: every one that accepts.")
    tls_secret: DnsLabel | None = Field(None, description="Secret with certificate and key (ingress).")
    ingress_class: DnsLabel | None = Field(None, description="Ingress class; default: the cluster's.")
    controller_namespace: DnsLabel = Field("ingress-nginx", description="Namespace of the ingress controller's pods.")
    annotations: dict[str, str] = Field(default_factory=dict, description="Annotations of the route or ingress.")

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> "RouteSettings":
        if self.kind == "httpRoute" and not self.gateway:
            raise ValueError("an httpRoute needs gateway, the name of a Gateway with a TLS listener")
        if self.kind == "ingress" and not self.tls_secret:
            raise ValueError("an ingress needs tlsSecret, the name of a Secret with certificate and key")
        return self


class InferencePoolSettings(Settings):
    """An InferencePool, so that an inference gateway chooses the replica; see the inference extension's manual."""

    endpoint_picker: DnsLabel = Field(description="Service of the endpoint picker, in the stack's namespace.")
    port: int = Field(9002, ge=1, le=65535, description="gRPC port of the endpoint picker.")


class MonitoringSettings(Settings):
    """What Prometheus and Grafana find."""

    kind: Literal["serviceMonitor", "podMonitor"] = Field(
        "serviceMonitor", description="Which object of the Prometheus operator."
    )
    namespace: DnsLabel = Field("monitoring", description="Namespace of Prometheus, which may reach /metrics.")
    labels: dict[str, str] = Field(
        default_factory=lambda: {"release": "prometheus"}, description="Labels by which Prometheus chooses monitors."
    )
    interval_seconds: int = Field(15, ge=1, le=600, description="Time between two scrapes.")
    dashboard: bool = Field(True, description="Whether a ConfigMap with a Grafana dashboard is made.")
    dashboard_labels: dict[str, str] = Field(
        default_factory=lambda: {"grafana_dashboard": "1"}, description="Labels by which Grafana finds dashboards."
    )


class AutoscalingSettings(Settings):
    """More replicas while requests wait or the KV cache is full."""

    kind: Literal["hpa", "keda"] = Field("keda", description="keda (asks Prometheus), or hpa (a metrics adapter).")
    min_replicas: int = Field(1, ge=1, le=64, description="Fewest replicas.")
    max_replicas: int = Field(ge=1, le=64, description="Most replicas.")
    waiting_requests: int = Field(4, ge=1, description="Waiting requests a replica above which one more is added.")
    kv_cache_usage: float = Field(0.8, gt=0, le=1, description="Share of the KV cache above which one more is added.")
    prometheus_url: str = Field(
        "http://prometheus-operated.monitoring.svc:9090", pattern=r"^https?://", description="Prometheus (keda)."
    )
    waiting_metric: str = Field(
        "vllm_num_requests_waiting", description="Name of vllm:num_requests_waiting in the metrics adapter (hpa)."
    )
    kv_cache_metric: str = Field(
        "vllm_kv_cache_usage_perc", description="Name of vllm:kv_cache_usage_perc in the metrics adapter (hpa)."
    )
    cooldown_seconds: int = Field(600, ge=0, le=86400, description="Calm before a replica is taken away.")

    @model_validator(mode="after")
    def _range_is_a_range(self) -> "AutoscalingSettings":
        if self.max_replicas < self.min_replicas:
            raise ValueError("maxReplicas is below minReplicas")
        return self


class EndpointSettings(Settings):
    """How clients reach the server."""

    service_name: DnsLabel | None = Field(
        None, description="Name of the Service; default: the server's, with -service."
    )
    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = Field("ClusterIP", description="Type of the Service.")
    port: int = Field(8000, ge=1, le=65535, description="Port of the Service and of the server.")
    node_port: int | None = Field(
        None, ge=1, le=65535, description="Port of every node (NodePort); fixed, so that clients can rely on it."
    )
    annotations: dict[str, str] = Field(
        default_factory=dict, description="Annotations of the Service, such as a cloud's for its load balancer."
    )
    source_ranges: tuple[Cidr, ...] = Field((), description="Addresses that the load balancer lets in.")
    allow_from: tuple[AccessRule, ...] | None = Field(
        None,
        description="Who may reach the port (a NetworkPolicy); default: the pods of the stack's namespace; "
        "an empty list lets nobody in.",
    )
    network_policy: bool = Field(True, description="Whether a NetworkPolicy is made; false: another one does it.")
    open_paths: tuple[OpenPath, ...] = Field(
        ("/health", "/ping"), description="Paths that answer without the key; all others need it."
    )
    api_key: ApiKeySettings = Field(
        default_factory=lambda: ApiKeySettings(), description="The API key; default: one is generated once and kept."
    )
    route: RouteSettings | None = Field(None, description="HTTPRoute or Ingress for clients outside the cluster.")
    inference_pool: InferencePoolSettings | None = Field(None, description="InferencePool for an inference gateway.")
    monitoring: MonitoringSettings | None = Field(None, description="ServiceMonitor or PodMonitor, and a dashboard.")
    autoscaling: AutoscalingSettings | None = Field(None, description="HPA or KEDA on waiting requests and KV usage.")
    url: str | None = Field(
        None, pattern=r"^https?://", description="URL at which the checks reach it; default: a port-forward."
    )

    @model_validator(mode="after")
    def _ports_go_with_the_type(self) -> "EndpointSettings":
        if self.node_port is not None and self.type == "ClusterIP":
            raise ValueError("nodePort goes with type NodePort or LoadBalancer")
        if self.source_ranges and self.type != "LoadBalancer":
            raise ValueError("sourceRanges goes with type LoadBalancer")
        return self
