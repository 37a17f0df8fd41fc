"""What the cluster says about the hardware under a check's target, in the words of ``qwen_infra.client``."""

from qwen_infra.checks.target import CheckTarget
from qwen_infra.client import ClusterFacts
from qwen_infra.cluster.hardware import read_hardware

__all__ = ["read_cluster_facts"]


def read_cluster_facts(target: CheckTarget) -> ClusterFacts:
    """GPU product and kind of the nodes on which the target's pods run.

    Raises:
        KubectlError: the cluster could not be asked.
    """
    hardware = read_hardware(target.kubectl, target.namespace, target.deployment)
    return ClusterFacts(gpu_product=hardware.gpu_product, simulated_nodes=hardware.simulated)
