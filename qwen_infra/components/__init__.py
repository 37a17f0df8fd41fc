"""The three Pulumi components: the only code that creates a model's resources."""

from qwen_infra.components.inference_endpoint import InferenceEndpoint
from qwen_infra.components.kubernetes_object import KubernetesObject
from qwen_infra.components.model_cache import ModelCache
from qwen_infra.components.ownership_hook import Ownership
from qwen_infra.components.vllm_server import VllmServer, check_target

__all__ = ["InferenceEndpoint", "KubernetesObject", "ModelCache", "Ownership", "VllmServer", "check_target"]
