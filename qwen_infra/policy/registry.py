"""Every rule, in the order in which they are told; the one place where a rule is added."""

import difflib

from qwen_infra.errors import ConfigurationError
from qwen_infra.policy.image_rules import check_digest, check_licence, check_revision, check_tag
from qwen_infra.policy.lifecycle_rules import check_drain, check_spread, check_startup_budget
from qwen_infra.policy.resource_rules import (
    check_gpu_count,
    check_gpu_requests,
    check_resources,
    check_shared_memory,
    check_tensor_parallel_size,
)
from qwen_infra.policy.rule import Rule
from qwen_infra.policy.security_rules import check_host_namespaces, check_key, check_network_policy

__all__ = ["RULES", "find_rule"]

_LIVE = frozenset({"staging", "prod"})
_PROD = frozenset({"prod"})

RULES: tuple[Rule, ...] = (
    Rule("image-tag", "No image has a tag that moves, such as latest or nightly.", check_tag),
    Rule("image-digest", "Every image is named by its digest.", check_digest, strict_in=_LIVE),
    Rule("model-revision", "The model's revision is a commit.", check_revision, strict_in=_LIVE),
    Rule("licence", "The model's licence is allowed.", check_licence),
    Rule("key-from-secret", "The API key comes from a Secret.", check_key),
    Rule("host-namespaces", "No pod shares a namespace of its node.", check_host_namespaces),
    Rule(
        "network-policy",
        "A NetworkPolicy says who may reach the server.",
        check_network_policy,
        strict_in=_LIVE,
        needs_stack=True,
    ),
    Rule("shared-memory", "/dev/shm is sized, and counted in the memory limit.", check_shared_memory),
    Rule("resources", "CPU and memory are requested, memory is limited.", check_resources),
    Rule("gpu-requests", "GPUs requested equal GPUs limited.", check_gpu_requests),
    Rule("gpu-count", "A replica has TP x PP x DP GPUs.", check_gpu_count),
    Rule("tensor-parallel-size", "The tensor parallel size can split the checkpoint.", check_tensor_parallel_size),
    Rule("startup-budget", "Probe, engine and deadline leave the time that a start takes.", check_startup_budget),
    Rule("drain-order", "A stopping server is drained before it is killed.", check_drain),
    Rule("replicas-spread", "Copies of a server stand on different nodes.", check_spread, strict_in=_PROD),
)


def find_rule(name: str, where: str) -> Rule:
    """A rule by its name; ``where`` says in an error who named it.

    Raises:
        ConfigurationError: there is no such rule.
    """
    found = next((rule for rule in RULES if rule.name == name), None)
    if found is None:
        names = [rule.name for rule in RULES]
        near = difflib.get_close_matches(name, names, n=1)
        raise ConfigurationError(
            f"there is no such rule{f', did you mean {near[0]}?' if near else ''}",
            where=where,
            found=name,
            expected=f"one of: {', '.join(names)}",
        )
    return found
