"""Where weights live, as volumes: a folder of the node, or an existing claim."""

from typing import Any

from qwen_infra.planning import DeploymentPlan

__all__ = ["download_volume", "model_volume"]


def model_volume(plan: DeploymentPlan, name: str) -> dict[str, Any]:
    """The volume that the server reads: of a node, the checkpoint's own folder, which must exist."""
    storage = plan.cache.storage
    if storage.kind == "existingClaim":
        return {"name": name, "persistentVolumeClaim": {"claimName": storage.claim_name, "readOnly": True}}
    return {"name": name, "hostPath": {"path": f"{storage.path}/{plan.cache.folder}", "type": "Directory"}}


def download_volume(plan: DeploymentPlan, name: str) -> dict[str, Any]:
    """The volume that the download fills: of a node, the folder that holds all models, made when missing."""
    storage = plan.cache.storage
    if storage.kind == "existingClaim":
        return {"name": name, "persistentVolumeClaim": {"claimName": storage.claim_name}}
    return {"name": name, "hostPath": {"path": storage.path, "type": "DirectoryOrCreate"}}
