"""Many stacks at once: which there are, which a change touches, what they run, and rolling a change through them."""

from qwen_infra.fleet.stacks import StackFile, affected_stacks, changed_paths, list_stacks

__all__ = ["StackFile", "affected_stacks", "changed_paths", "list_stacks"]
