"""The simulated machines of a local cluster, as data.

A profile names a GPU of the catalogue and a number of nodes; everything else about the node comes from the catalogue.
Making the Kubernetes Node objects is pure; sending them is the caller's.
"""

import re
from dataclasses import dataclass

from qwen_infra.catalog import Gpu, find_gpu
from qwen_infra.errors import ConfigurationError

__all__ = ["PROFILES", "NodeProfile", "build_nodes", "find_profile"]

SIMULATED_LABEL = "qwen-infra.dev/simulated"
"""Set to "true" on every node here, so that no reader takes a figure from it for one of a GPU."""

_KWOK_ANNOTATION = "kwok.x-k8s.io/node"
_GENERIC = re.compile(r"(?P<gpu>[^:]+):(?P<nodes>[1-9][0-9]{0,2})")
_CPU_NODE = {"cpu": "16", "memory": "64Gi", "pods": "110", "ephemeral-storage": "512Gi"}


@dataclass(frozen=True)
class NodeProfile:
    """Nodes of one kind: ``gpu`` is a catalogue name or None, ``node_names`` says how many there are."""

    gpu: str | None
    node_names: tuple[str, ...]


PROFILES: dict[str, NodeProfile] = {
    # the reference deployment's machine: one compute tray with four GPUs
    "gb200": NodeProfile("GB200", ("gb200-pod2-f06-node05",)),
    "h100-2node": NodeProfile("H100", ("h100-node-0", "h100-node-1")),
    "h200": NodeProfile("H200", ("h200-node-0",)),
    "cpu": NodeProfile(None, ("cpu-node-0",)),
}


def find_profile(name: str) -> NodeProfile:
    """A profile by name, or ``GPU:NODES`` for any GPU of the catalogue, for example ``L40S:3``.

    Raises:
        ConfigurationError: neither a profile nor a catalogue GPU.
    """
    if name in PROFILES:
        return PROFILES[name]
    generic = _GENERIC.fullmatch(name)
    if generic is None:
        raise ConfigurationError(
            "unknown profile of the local cluster",
            where="--profile",
            found=repr(name),
            expected=f"{', '.join(PROFILES)}, or GPU:NODES such as H200:2",
            mend="qwen-infra local up --profile gb200",
        )
    try:
        gpu = find_gpu(generic["gpu"])
    except ConfigurationError as error:  # its own text names a stack-file key, which this is not
        raise ConfigurationError(
            error.what,
            where="--profile",
            found=repr(name),
            expected=error.expected,
            mend="qwen-infra local up --profile gb200",
        ) from error
    stem = re.sub(r"[^a-z0-9]+", "-", gpu.name.lower()).strip("-")
    return NodeProfile(gpu.name, tuple(f"{stem}-node-{index}" for index in range(int(generic["nodes"]))))


def build_nodes(profile: NodeProfile) -> list[dict[str, object]]:
    """The Node objects of a profile, with status, as the API server takes them on creation."""
    gpu = find_gpu(profile.gpu) if profile.gpu else None
    return [_build_node(name, gpu) for name in profile.node_names]


def _build_node(name: str, gpu: Gpu | None) -> dict[str, object]:
    architecture = gpu.node_architecture if gpu else "amd64"
    resources = _gpu_node_resources(gpu) if gpu else _CPU_NODE
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/arch": architecture,
        "kubernetes.io/os": "linux",
        SIMULATED_LABEL: "true",
        **(_gpu_labels(gpu) if gpu else {}),
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": {_KWOK_ANNOTATION: "fake"}},
        "status": {
            "allocatable": dict(resources),
            "capacity": dict(resources),
            "nodeInfo": {"architecture": architecture, "operatingSystem": "linux"},
        },
    }


def _gpu_labels(gpu: Gpu) -> dict[str, str]:
    """The labels that the vendor's feature discovery sets on such a node."""
    labels = {gpu.node_label_key: gpu.product_label} if gpu.node_label_key else {}
    if gpu.vendor == "nvidia":
        labels |= {
            "nvidia.com/gpu.present": "true",
            "nvidia.com/gpu.count": str(gpu.gpus_per_node),
            "nvidia.com/gpu.memory": str(gpu.memory_mib),
        }
    return labels


def _gpu_node_resources(gpu: Gpu) -> dict[str, str]:
    return {
        "cpu": str(gpu.node_cpu),
        "memory": f"{gpu.node_memory_gib}Gi",
        "pods": "110",  # the kubelet's default
        "ephemeral-storage": "7Ti",
        **({gpu.resource_name: str(gpu.gpus_per_node)} if gpu.resource_name else {}),
    }
