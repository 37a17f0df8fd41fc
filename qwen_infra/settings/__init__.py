"""The stack file: typed, validated, with errors that name the key and the command that mends it."""

from qwen_infra.settings.loading import NAMESPACE, load_settings, load_stack_file
from qwen_infra.settings.model import StackSettings

__all__ = ["NAMESPACE", "StackSettings", "load_settings", "load_stack_file"]
