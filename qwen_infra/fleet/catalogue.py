"""The endpoints of a fleet as plain data, from the outputs of its stacks (``qwen_infra.outputs``)."""

from collections.abc import Mapping
from typing import Any

__all__ = ["build_catalogue"]

_COPIED = ("model", "repository", "revision", "image", "url", "externalUrl", "apiKeySecret", "maxModelLen")


def build_catalogue(outputs: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One entry a server, by stack and name; where its key lies, never the key.

    Args:
        outputs: of each stack, ``deployments``, ``cluster`` and ``environment``; empty where it was never deployed.
    """
    return [
        _entry(stack, found, name, deployed)
        for stack, found in sorted(outputs.items())
        for name, deployed in sorted((found.get("deployments") or {}).items())
    ]


def _entry(stack: str, found: Mapping[str, Any], name: str, deployed: Mapping[str, Any]) -> dict[str, Any]:
    verification = str(deployed.get("verification", ""))
    return {
        "stack": stack,
        "environment": found.get("environment") or "",
        "cluster": (found.get("cluster") or {}).get("identifier", ""),
        "server": name,
        **{key: deployed.get(key) for key in _COPIED},
        "verified": verification.startswith("verification passed"),
        "verification": verification,
        "benchmark": str(deployed.get("benchmark", "")),
        "madeWith": str(deployed.get("madeWith", "")),
    }
