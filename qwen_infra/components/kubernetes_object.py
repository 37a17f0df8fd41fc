"""A manifest as a Pulumi resource: any kind, exactly as ``qwen_infra.manifests`` built it.

The typed classes of ``pulumi_kubernetes`` would check nothing more of a finished manifest, and importing those for four
kinds takes longer than the rest of the program together (docs/adr/0010).
"""

from collections.abc import Mapping
from typing import Any

import pulumi

__all__ = ["KubernetesObject"]


class KubernetesObject(pulumi.CustomResource):
    """One Kubernetes object; its provider comes from the parent or the options, never from a default."""

    def __init__(self, name: str, manifest: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        version = manifest["apiVersion"]
        group = version if "/" in version else f"core/{version}"
        super().__init__(f"kubernetes:{group}:{manifest['kind']}", name, dict(manifest), opts)
