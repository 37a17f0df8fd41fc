"""What a pod of ours may do on its node: as little as the image allows."""

from typing import Any

__all__ = ["build_container_security", "build_pod_security"]


def build_pod_security(user: int | None = None, *, owns_claim: bool = False) -> dict[str, Any]:
    """The pod's part: no service account token, no Service variables, the default seccomp profile.

    Args:
        user: number of the user to run as, never root; None for the image's own.
        owns_claim: whether a claim is mounted, whose files must then be that user's to read.

    ``enableServiceLinks``: a Service named vllm would set VLLM_PORT, which vLLM takes for a setting of its own.
    """
    identity: dict[str, Any] = {}
    if user is not None:
        identity = {"runAsUser": user, **({"runAsNonRoot": True} if user else {})}
        identity |= {"fsGroup": user, "fsGroupChangePolicy": "OnRootMismatch"} if owns_claim and user else {}
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}, **identity},
    }


def build_container_security() -> dict[str, Any]:
    """The container's part: no privileges, no capabilities."""
    return {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
