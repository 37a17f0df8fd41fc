"""The gatekeeper in front of vLLM: its ConfigMap, and what the server's container needs for it."""

from importlib.resources import files
from typing import Any

from qwen_infra.manifests.names import Names
from qwen_infra.planning import DeploymentPlan

__all__ = ["build_guard", "guard_environment", "guard_mounts", "guard_volumes", "previous_key"]

FILE = "gatekeeper.py"
CODE_FOLDER = "/opt/qwen-infra/guard"
KEY_FOLDER = "/etc/qwen-infra/keys"


def previous_key(key: str) -> str:
    """Key inside the Secret of the API key before the last rotation, which is still accepted."""
    return f"previous-{key}"


def build_guard(names: Names) -> dict[str, Any]:
    """The ConfigMap with the middleware: one file of the standard library, so that it runs in the vLLM image."""
    text = files("qwen_infra.guard").joinpath(FILE).read_text("utf-8")
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": names.guard, "namespace": names.namespace, "labels": names.labels},
        "data": {FILE: text},
    }


def guard_environment(plan: DeploymentPlan) -> list[dict[str, Any]]:
    """Where the middleware finds its code, the keys and the paths that need none."""
    endpoint = plan.endpoint
    key = endpoint.key_secret.key
    return [
        {"name": "PYTHONPATH", "value": CODE_FOLDER},
        {"name": "QWEN_INFRA_KEY_FOLDER", "value": KEY_FOLDER},
        {"name": "QWEN_INFRA_KEYS", "value": f"{key},{previous_key(key)}"},
        {"name": "QWEN_INFRA_OPEN_PATHS", "value": ",".join(endpoint.open_paths)},
        {"name": "QWEN_INFRA_MODEL_FOLDER", "value": plan.cache.mount_path},
    ]


def guard_mounts() -> list[dict[str, Any]]:
    """Mounted as folders: a kubelet renews those, and never a single file (subPath)."""
    return [
        {"name": "guard", "mountPath": CODE_FOLDER, "readOnly": True},
        {"name": "keys", "mountPath": KEY_FOLDER, "readOnly": True},
    ]


def guard_volumes(plan: DeploymentPlan, names: Names) -> list[dict[str, Any]]:
    """The code and the Secret."""
    return [
        {"name": "guard", "configMap": {"name": names.guard}},
        {"name": "keys", "secret": {"secretName": plan.endpoint.key_secret.secret_name}},
    ]
