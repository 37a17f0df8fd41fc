"""What a pod of ours may do on its node: as little as the image allows."""

from typing import Any

__all__ = ["build_container_security", "build_pod_security"]


def build_pod_security() -> dict[str, Any]:
    """The pod's part: no service account token, no Service variables, the default seccomp profile.

    ``enableServiceLinks``: a Service named vllm would set VLLM_PORT, which vLLM takes for a setting of its own.
    """
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
    }


def build_container_security() -> dict[str, Any]:
    """The container's part: no privileges, no capabilities."""
    return {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
