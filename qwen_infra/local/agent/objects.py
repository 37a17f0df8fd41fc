"""The objects that the agent creates beside a pod: its PortForward, its Logs, and events. Pure."""

from datetime import UTC, datetime
from typing import Any

from qwen_infra.local.agent.pods import ContainerPod, ServerPod
from qwen_infra.local.agent.server import ContainerLog

__all__ = ["build_event", "build_logs", "build_port_forward", "collection", "owned_collections"]

_KWOK_API = "kwok.x-k8s.io/v1alpha1"


def collection(pod: ContainerPod, plural: str) -> str:
    """The API path of kwok's objects ``plural`` in the pod's namespace."""
    return f"/apis/{_KWOK_API}/namespaces/{pod.namespace}/{plural}"


def owned_collections() -> tuple[str, str]:
    """The kinds that are named after the pod."""
    return ("portforwards", "logs")


def build_port_forward(pod: ServerPod, port: int) -> dict[str, Any]:
    """Connections to the container's port, whoever opens them, go to ``port`` of this machine."""
    forward = {"ports": [pod.port], "target": {"address": "127.0.0.1", "port": port}}
    return {"apiVersion": _KWOK_API, "kind": "PortForward", "metadata": _metadata(pod), "spec": {"forwards": [forward]}}


def build_logs(*logs: tuple[ContainerPod, ContainerLog]) -> dict[str, Any]:
    """``kubectl logs`` of these containers, all of one pod, reads these files."""
    entries = [
        {
            "containers": [pod.container],
            "logsFile": str(log.current),
            "previousLogsFile": str(log.previous),
            "follow": False,
        }
        for pod, log in logs
    ]
    return {"apiVersion": _KWOK_API, "kind": "Logs", "metadata": _metadata(logs[0][0]), "spec": {"logs": entries}}


def build_event(pod: ContainerPod, kind: str, reason: str, message: str) -> dict[str, Any]:
    """An event on the pod, as its kubelet would record it; ``kind`` is Normal or Warning."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{pod.name}.", "namespace": pod.namespace},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": pod.name,
            "namespace": pod.namespace,
            "uid": pod.uid,
            "fieldPath": f"spec.containers{{{pod.container}}}",
        },
        "type": kind,
        "reason": reason,
        "message": message,
        "source": {"component": "kubelet", "host": pod.raw["spec"].get("nodeName", "")},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


def _metadata(pod: ContainerPod) -> dict[str, Any]:
    """Named as the pod, and collected with it should the agent not live to delete it."""
    owner = {"apiVersion": "v1", "kind": "Pod", "name": pod.name, "uid": pod.uid}
    return {"name": pod.name, "namespace": pod.namespace, "ownerReferences": [owner]}
