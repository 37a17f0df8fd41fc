"""The rules that a deployment must hold: pure functions over Kubernetes manifests, one implementation for every front.

Fronts: the program (``gate.py``) in each preview and up, ``qwen-infra policy``, and the CrossGuard pack in ``policy/``.
Nothing of Pulumi, of planning or of the command line is imported here: the pack runs in an environment of its own.
"""

from qwen_infra.policy.evaluation import Finding, PolicyOptions, evaluate
from qwen_infra.policy.registry import RULES, find_rule
from qwen_infra.policy.rule import Rule, Violation

__all__ = ["RULES", "Finding", "PolicyOptions", "Rule", "Violation", "evaluate", "find_rule"]
