"""Where weights and compiled kernels live, as volumes and mounts: a folder of the node, a claim, or the pod's own."""

from typing import Any

from qwen_infra.manifests.names import Names
from qwen_infra.planning import DeploymentPlan

__all__ = [
    "build_claim",
    "download_volume",
    "kernel_environment",
    "kernel_mounts",
    "kernel_volumes",
    "model_mount",
    "model_volume",
]

MODEL, KERNELS = "model", "kernels"
KERNELS_PATH = "/var/cache/qwen-infra/kernels"
KERNEL_VARIABLES = {
    "VLLM_CACHE_ROOT": "vllm",
    "TRITON_CACHE_DIR": "triton",
    "FLASHINFER_WORKSPACE_BASE": "flashinfer",
    "CUDA_CACHE_PATH": "cuda",
}
"""Variable to folder. vLLM 0.32 puts torch.compile's, Inductor's and DeepGEMM's results below VLLM_CACHE_ROOT
(vllm/compilation/compiler_interface.py, vllm/utils/deep_gemm.py) and leaves TRITON_CACHE_DIR as it is set; FlashInfer
builds below FLASHINFER_WORKSPACE_BASE, the driver below CUDA_CACHE_PATH."""


def build_claim(plan: DeploymentPlan, names: Names) -> dict[str, Any]:
    """The claim of ``cache.kind: pvc``. Not awaited: a class may bind it only when the first pod comes."""
    storage = plan.cache.storage
    chosen = {"storageClassName": storage.storage_class} if storage.storage_class else {}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": names.claim,
            "namespace": names.namespace,
            "labels": names.labels,
            "annotations": {"pulumi.com/skipAwait": "true"},
        },
        "spec": {
            **chosen,
            "accessModes": [storage.access_mode],
            "resources": {"requests": {"storage": plan.cache.claim_size}},
        },
    }


def download_volume(plan: DeploymentPlan, names: Names, name: str) -> dict[str, Any]:
    """The volume that a Job fills: of a node, the folder that holds all models, made when missing."""
    storage = plan.cache.storage
    if storage.kind == "hostPath":
        return {"name": name, "hostPath": {"path": storage.path, "type": "DirectoryOrCreate"}}
    return {"name": name, "persistentVolumeClaim": {"claimName": _claim_name(plan, names)}}


def kernel_volumes(plan: DeploymentPlan) -> list[dict[str, Any]]:
    """The volume of the compiled kernels, where they are not on that of the weights."""
    return [_kernels_volume(plan)] if plan.cache.kernels != "off" and _has_own_kernels_volume(plan) else []


def model_mount(plan: DeploymentPlan) -> dict[str, Any]:
    """The weights, read-only, at the path that vLLM is told."""
    inside = {"subPath": plan.cache.folder} if plan.cache.storage.kind in {"pvc", "existingClaim"} else {}
    return {"name": MODEL, "mountPath": plan.cache.mount_path, "readOnly": True, **inside}


def kernel_mounts(plan: DeploymentPlan) -> list[dict[str, Any]]:
    """The writable folder of compiled kernels, or none."""
    if plan.cache.kernels == "off":
        return []
    if _has_own_kernels_volume(plan):
        return [{"name": KERNELS, "mountPath": KERNELS_PATH}]
    return [{"name": MODEL, "mountPath": KERNELS_PATH, "subPath": plan.cache.kernels_folder}]


def kernel_environment(plan: DeploymentPlan) -> list[dict[str, Any]]:
    """The variables that lead vLLM, Triton, FlashInfer and the driver there."""
    if plan.cache.kernels == "off":
        return []
    return [{"name": name, "value": f"{KERNELS_PATH}/{folder}"} for name, folder in KERNEL_VARIABLES.items()]


def _has_own_kernels_volume(plan: DeploymentPlan) -> bool:
    """On a claim the kernels are another folder of the same volume; elsewhere a volume of their own."""
    return plan.cache.kernels == "pod" or plan.cache.storage.kind == "hostPath"


def model_volume(plan: DeploymentPlan, names: Names) -> dict[str, Any]:
    """Of a node, the revision's own folder, which must exist; a claim is read-only unless kernels go onto it, too."""
    cache, storage = plan.cache, plan.cache.storage
    if storage.kind == "hostPath":
        return {"name": MODEL, "hostPath": {"path": f"{storage.path}/{cache.folder}", "type": "Directory"}}
    if storage.kind == "none":
        return {"name": MODEL, "emptyDir": {"sizeLimit": cache.pod_size}}
    reading = {} if cache.kernels == "volume" else {"readOnly": True}
    return {"name": MODEL, "persistentVolumeClaim": {"claimName": _claim_name(plan, names), **reading}}


def _kernels_volume(plan: DeploymentPlan) -> dict[str, Any]:
    if plan.cache.kernels == "pod":
        return {"name": KERNELS, "emptyDir": {}}
    path = f"{plan.cache.storage.path}/{plan.cache.kernels_folder}"
    # the download makes it for the server's user; one that the kubelet makes would be root's
    kind = "Directory" if plan.cache.storage.download else "DirectoryOrCreate"
    return {"name": KERNELS, "hostPath": {"path": path, "type": kind}}


def _claim_name(plan: DeploymentPlan, names: Names) -> str:
    return plan.cache.storage.claim_name or names.claim
