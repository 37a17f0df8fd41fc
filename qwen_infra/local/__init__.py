"""The local simulated cluster and the real or simulated model servers behind its pods.

Public here: making, looking at and removing a cluster, and what its servers need. The command line is in ``cli``.
"""

from qwen_infra.local.cluster import LocalCluster, down, up
from qwen_infra.local.custom_kinds import install_custom_kinds
from qwen_infra.local.faults import configure_simulator, set_faults
from qwen_infra.local.group_controller import start_group_controller
from qwen_infra.local.miniature_store import ensure_miniature, ensure_wrong_miniature
from qwen_infra.local.status import ClusterStatus, NodeStatus, status
from qwen_infra.local.vllm_environment import ensure_vllm, has_vllm_wheels, reads_prompts_slowly

__all__ = [
    "ClusterStatus",
    "LocalCluster",
    "NodeStatus",
    "configure_simulator",
    "down",
    "ensure_miniature",
    "ensure_vllm",
    "ensure_wrong_miniature",
    "has_vllm_wheels",
    "install_custom_kinds",
    "reads_prompts_slowly",
    "set_faults",
    "start_group_controller",
    "status",
    "up",
]
