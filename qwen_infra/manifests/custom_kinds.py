"""Kinds that a cluster has only when somebody installed them, and how one does that."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

__all__ = ["CUSTOM_KINDS", "CustomKind", "find_custom_kinds"]


class CustomKind(NamedTuple):
    """What brings a kind, the stack-file key that asks for it, and the command that installs it."""

    part_of: str
    key: str
    install: str


_GITHUB = "https://github.com"
_MONITORING = CustomKind(
    "the Prometheus operator",
    "qwen-infra:endpoint.monitoring",
    f"kubectl create -f {_GITHUB}/prometheus-operator/prometheus-operator/releases/download/v0.85.0/bundle.yaml",
)

CUSTOM_KINDS: Mapping[tuple[str, str], CustomKind] = {
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): CustomKind(
        "the Gateway API",
        "qwen-infra:endpoint.route",
        f"kubectl apply --server-side -f {_GITHUB}/kubernetes-sigs/gateway-api/releases/download/v1.4.0/"
        "standard-install.yaml",
    ),
    ("inference.networking.k8s.io/v1", "InferencePool"): CustomKind(
        "the Gateway API inference extension",
        "qwen-infra:endpoint.inferencePool",
        f"kubectl apply --server-side -f {_GITHUB}/kubernetes-sigs/gateway-api-inference-extension/releases/download/"
        "v1.3.0/manifests.yaml",
    ),
    ("keda.sh/v1alpha1", "ScaledObject"): CustomKind(
        "KEDA",
        "qwen-infra:endpoint.autoscaling",
        f"kubectl apply --server-side -f {_GITHUB}/kedacore/keda/releases/download/v2.18.0/keda-2.18.0.yaml",
    ),
    ("monitoring.coreos.com/v1", "ServiceMonitor"): _MONITORING,
    ("monitoring.coreos.com/v1", "PodMonitor"): _MONITORING,
    ("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet"): CustomKind(
        "LeaderWorkerSet, without which a server cannot span several nodes",
        "qwen-infra:server.nodes",
        f"kubectl apply --server-side -f {_GITHUB}/kubernetes-sigs/lws/releases/download/v0.8.0/manifests.yaml",
    ),
    ("resource.nvidia.com/v1beta1", "ComputeDomain"): CustomKind(
        "NVIDIA's DRA driver, without which GPUs of several trays cannot share memory",
        "qwen-infra:server.computeDomain",
        "helm install nvidia-dra-driver-gpu nvidia/nvidia-dra-driver-gpu --namespace nvidia-dra-driver-gpu "
        "--create-namespace",
    ),
}


def find_custom_kinds(objects: Iterable[Mapping[str, Any]]) -> frozenset[tuple[str, str]]:
    """(apiVersion, kind) of those objects that need an installation."""
    return frozenset((item["apiVersion"], item["kind"]) for item in objects) & CUSTOM_KINDS.keys()
