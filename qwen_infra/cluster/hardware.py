"""On which GPUs a deployment's pods really run, by their nodes' labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qwen_infra.cluster.facts import SIMULATED_NODE_ANNOTATION
from qwen_infra.cluster.kubectl import Kubectl

__all__ = ["Hardware", "image_digests", "read_hardware", "read_image_digests"]

PRODUCT_LABELS = ("nvidia.com/gpu.product", "amd.com/gpu.product-name")

SERVER_CONTAINER = "vllm"
"""Name of the server's container in its pod (``qwen_infra.manifests.pod``)."""


@dataclass(frozen=True)
class Hardware:
    """The GPU product of the pods' nodes, ``None`` when unknown or mixed, and whether any of the nodes is simulated."""

    gpu_product: str | None
    simulated: bool


def read_hardware(kubectl: Kubectl, namespace: str, deployment: str) -> Hardware:
    """Hardware under the pods that carry the label ``app=DEPLOYMENT``.

    Raises:
        KubectlError: pods or nodes could not be read.
    """
    pods = kubectl.items("--namespace", namespace, "pods", f"--selector=app={deployment}")
    names = sorted({pod["spec"]["nodeName"] for pod in pods if pod.get("spec", {}).get("nodeName")})
    metas = [kubectl.get("node", name)["metadata"] for name in names]
    products = {meta.get("labels", {}).get(label) for meta in metas for label in PRODUCT_LABELS} - {None}
    return Hardware(
        gpu_product=products.pop() if len(products) == 1 else None,
        simulated=any(SIMULATED_NODE_ANNOTATION in meta.get("annotations", {}) for meta in metas),
    )


def read_image_digests(kubectl: Kubectl, namespace: str, deployment: str) -> tuple[str, ...]:
    """``sha256:...`` of the images that the pods with the label ``app=DEPLOYMENT`` run; empty where none is told.

    Raises:
        KubectlError: the pods could not be read.
    """
    return image_digests(kubectl.items("--namespace", namespace, "pods", f"--selector=app={deployment}"))


def image_digests(pods: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """``sha256:...`` of the server's image in each of these pods, without repetition."""
    statuses = [
        each
        for pod in pods
        for each in pod.get("status", {}).get("containerStatuses", ())
        if each.get("name") == SERVER_CONTAINER
    ]
    found = {str(each.get("imageID", "")).rpartition("@")[2] for each in statuses}
    return tuple(sorted(digest for digest in found if digest.startswith("sha256:")))
