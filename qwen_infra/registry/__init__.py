"""Container registries, through the OCI distribution API: which image a tag names now, and for which processors."""

from qwen_infra.registry.client import ResolvedImage, resolve_image
from qwen_infra.registry.reference import ImageReference, parse_reference
from qwen_infra.registry.stack_file import PinnedServer, pin_in_stack_file, set_in_stack_file

__all__ = [
    "ImageReference",
    "PinnedServer",
    "ResolvedImage",
    "parse_reference",
    "pin_in_stack_file",
    "resolve_image",
    "set_in_stack_file",
]
