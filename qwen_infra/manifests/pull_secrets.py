"""The Secrets of private registries: every pod of a stack runs the stack's image, so every pod pulls with them."""

from typing import Any

from qwen_infra.planning.deployment_plan import ServerPlan

__all__ = ["build_pull_secrets"]


def build_pull_secrets(server: ServerPlan) -> dict[str, Any]:
    """The part of a pod's spec that says by which Secrets its image is pulled; nothing without any."""
    secrets = server.pod.image_pull_secrets
    return {"imagePullSecrets": [{"name": name} for name in secrets]} if secrets else {}
