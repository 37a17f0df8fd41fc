"""A manifest as a Pulumi resource: any kind, exactly as ``qwen_infra.manifests`` built it.

The typed classes of ``pulumi_kubernetes`` would check nothing more of a finished manifest, and importing those for four
kinds takes longer than the rest of the program together (docs/adr/0010).
"""

from collections.abc import Mapping
from typing import Any

import pulumi

__all__ = ["REPLACEABLE_KINDS", "KubernetesObject"]

REPLACEABLE_KINDS = frozenset({"ConfigMap", "CronJob", "Job"})
"""What ``operations.protect`` does not guard: objects that a new revision replaces. All others are, since a refused
``pulumi destroy`` has by then deleted whatever was not protected."""


class KubernetesObject(pulumi.CustomResource):
    """One Kubernetes object; its provider comes from the parent or the options, never from a default."""

    status: pulumi.Output[Any]
    """What the cluster said when the object was last written or refreshed; ``None`` where it said nothing."""

    def __init__(self, name: str, manifest: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        version = manifest["apiVersion"]
        if manifest["kind"] in REPLACEABLE_KINDS:
            opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=False))
        group = version if "/" in version else f"core/{version}"
        super().__init__(f"kubernetes:{group}:{manifest['kind']}", name, {**manifest, "status": None}, opts)
