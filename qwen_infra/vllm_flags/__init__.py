"""What vLLM's parser accepts, known without vLLM: a snapshot of its flags, and the check against it."""

from qwen_infra.vllm_flags.checking import check_command_line
from qwen_infra.vllm_flags.removed import REMOVED_FLAGS
from qwen_infra.vllm_flags.snapshot import VLLM_VERSION, VllmFlag, load_flags

__all__ = ["REMOVED_FLAGS", "VLLM_VERSION", "VllmFlag", "check_command_line", "load_flags"]
