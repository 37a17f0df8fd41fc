"""On which GPUs a deployment's pods really run, by their nodes' labels."""

from dataclasses import dataclass

from qwen_infra.cluster.facts import SIMULATED_NODE_ANNOTATION
from qwen_infra.cluster.kubectl import Kubectl

__all__ = ["Hardware", "read_hardware"]

PRODUCT_LABELS = ("nvidia.com/gpu.product", "amd.com/gpu.product-name")


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
