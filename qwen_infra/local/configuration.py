"""The configuration that kwokctl gets, as data: addresses, ports, CIDRs, custom resources and stages.

Pure. Why each argument is there is said beside it; running kwokctl is in kwokctl.py.
"""

from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from qwen_infra.local.ports import LOOPBACK

__all__ = ["AGENT_POD_QUERY", "ClusterPorts", "build_configuration", "build_storage_class", "read_ports"]

_CRDS = ("PortForward", "ClusterPortForward", "Logs", "ClusterLogs", "Exec", "ClusterExec", "Attach", "ClusterAttach")

AGENT_POD_QUERY = (
    ".spec.containers[] | ((.command // []) + (.args // [])) as $words "
    '| select($words[0:2] == ["vllm", "serve"] or '
    '($words[0] == "python3" and (($words[1] // "") | (endswith("/download.py") or endswith("/verify.pyz"))))) | .name'
)
"""jq: the containers for which the agent runs a program. Its own test of the same is in agent/pods.py."""


@dataclass(frozen=True)
class ClusterPorts:
    """One TCP port a component, named as kwokctl's options are (without their ``Port``)."""

    kubeApiserver: int  # noqa: N815 - kwokctl's spelling
    etcd: int
    etcdPeer: int  # noqa: N815
    kubeControllerManager: int  # noqa: N815
    kubeScheduler: int  # noqa: N815
    kwokController: int  # noqa: N815


def build_configuration(ports: ClusterPorts, *, has_agent: bool) -> str:
    """The YAML documents for ``kwokctl create cluster --config``.

    Args:
        ports: chosen by us, because kwokctl's own choice collides between clusters made at the same time.
        has_agent: whether pods of model servers and downloads are left to the node agent; without one they become
            Ready, or complete, at once.
    """
    options = {
        "runtime": "binary",
        # the default is 0.0.0.0 for everything, unauthenticated etcd and kwok's exec included
        "bindAddress": LOOPBACK,
        "enableCRDs": list(_CRDS),
        **{f"{name}Port": port for name, port in asdict(ports).items()},
    }
    kwokctl = {
        "kind": "KwokctlConfiguration",
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "options": options,
        "componentsPatches": [
            # both ranges default to 10.0.0.0/24, so that pod and Service addresses overlap
            _patch("kube-apiserver", "service-cluster-ip-range", "10.96.0.0/16"),
            _patch("kwok-controller", "cidr", "10.244.0.0/16"),
            # the upstream controller binds claims of the StorageClass below
            _patch("kube-controller-manager", "enable-hostpath-provisioner", "true"),
        ],
    }
    return yaml.safe_dump_all([kwokctl, *build_stages(has_agent=has_agent)], sort_keys=False)


def read_ports(configuration: str) -> ClusterPorts:
    """The ports in a text that ``build_configuration`` made."""
    options = next(yaml.safe_load_all(configuration))["options"]
    return ClusterPorts(**{field.name: options[f"{field.name}Port"] for field in fields(ClusterPorts)})


def build_stages(*, has_agent: bool) -> list[dict[str, Any]]:
    """What kwok does to nodes and pods; with an agent, the pods that are the agent's are only accepted."""
    stages = _read_documents("stages.yaml")
    if not has_agent:
        return stages
    accepted = _read_documents("agent_pod_stage.yaml")
    for stage in stages:
        if stage["metadata"]["name"] in {"pod-ready", "pod-complete"}:
            _require(stage, "DoesNotExist")
    for stage in accepted:
        _require(stage, "Exists")
    return stages + accepted


def build_storage_class() -> dict[str, object]:
    """The default StorageClass, bound by the controller manager's host-path provisioner."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": "standard",
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "kubernetes.io/host-path",
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
    }


def _patch(component: str, key: str, value: str) -> dict[str, object]:
    return {"name": component, "extraArgs": [{"key": key, "value": value}]}


def _require(stage: dict[str, Any], operator: str) -> None:
    stage["spec"]["selector"]["matchExpressions"].append({"key": AGENT_POD_QUERY, "operator": operator})


@cache
def _read_text(name: str) -> str:
    return files("qwen_infra.local").joinpath(name).read_text(encoding="utf-8")


def _read_documents(name: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(_read_text(name)) if document]
