"""The Job that downloads a checkpoint, and the ConfigMap with the script that it runs."""

from typing import Any

from qwen_infra.download import bundle_downloader
from qwen_infra.manifests.names import Names
from qwen_infra.manifests.placement import build_placement
from qwen_infra.manifests.security import build_container_security, build_pod_security
from qwen_infra.manifests.storage import download_volume
from qwen_infra.planning import DeploymentPlan

__all__ = ["build_download_job", "build_download_script"]

SCRIPT = "download.py"
STORAGE = "/models"
RETRIES = 3
"""Beyond the script's own retries: for a node that went away."""


def build_download_script(names: Names) -> dict[str, Any]:
    """The ConfigMap with the downloader; one file, so that it runs in the vLLM image as it is."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": names.download_script, "namespace": names.namespace, "labels": names.labels},
        "data": {SCRIPT: bundle_downloader()},
    }


def build_download_job(plan: DeploymentPlan, names: Names) -> dict[str, Any]:
    """The Job, on the node that will serve; its pod has no service account token and no GPU."""
    labels = {"app": names.download, "app.kubernetes.io/part-of": names.server}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": names.download,
            "namespace": names.namespace,
            "labels": {**names.labels, **labels},
            "annotations": {"pulumi.com/replaceUnready": "true"},
        },
        "spec": {
            "backoffLimit": RETRIES,
            "activeDeadlineSeconds": plan.cache.storage.timeout_minutes * 60,
            "template": {"metadata": {"labels": labels}, "spec": _pod(plan, names)},
        },
    }


def _pod(plan: DeploymentPlan, names: Names) -> dict[str, Any]:
    server, is_claim = plan.server, plan.cache.storage.kind != "hostPath"
    return {
        "restartPolicy": "Never",
        # a claim is given to the server's user through fsGroup; a folder of the node is made by the kubelet, for root
        **build_pod_security(server.user if is_claim else None, owns_claim=is_claim),
        **build_placement(server),
        "containers": [
            {
                "name": "download",
                "image": server.image,
                "command": _command(plan),
                "env": _environment(plan),
                "resources": {
                    "requests": {"cpu": "1", "memory": "2Gi"},
                    "limits": {"memory": "8Gi"},
                },
                "securityContext": build_container_security(),
                "volumeMounts": [
                    {"name": "storage", "mountPath": STORAGE},
                    {"name": "script", "mountPath": "/opt/qwen-infra", "readOnly": True},
                ],
            }
        ],
        "volumes": [
            download_volume(plan, "storage"),
            {"name": "script", "configMap": {"name": names.download_script}},
        ],
    }


def _command(plan: DeploymentPlan) -> list[str]:
    cache = plan.cache
    target = f"{STORAGE}/{cache.folder}"
    return ["python3", f"/opt/qwen-infra/{SCRIPT}", cache.repository, "--revision", cache.revision, "--to", target]


def _environment(plan: DeploymentPlan) -> list[dict[str, Any]]:
    storage = plan.cache.storage
    found: list[dict[str, Any]] = []
    if storage.hub_endpoint:
        found.append({"name": "HF_ENDPOINT", "value": storage.hub_endpoint})
    if storage.hub_token:
        reference = {"name": storage.hub_token.secret_name, "key": storage.hub_token.key}
        found.append({"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": reference}})
    return found
