"""The rules in every preview and up: what is only told, and what stops a deployment."""

from collections.abc import Sequence

from qwen_infra.errors import CheckFailedError
from qwen_infra.manifests import render_objects
from qwen_infra.planning import DeploymentPlan
from qwen_infra.policy.evaluation import Finding, PolicyOptions, evaluate

__all__ = ["evaluate_plans", "gate"]


def evaluate_plans(plans: Sequence[DeploymentPlan]) -> tuple[Finding, ...]:
    """Every broken rule of a stack, each deployment by its own options; what they share is told once.

    Raises:
        ConfigurationError: an exception names no rule, or no reason.
    """
    found = (finding for plan in plans for finding in evaluate(render_objects(plan), _options(plan)))
    return tuple(dict.fromkeys(found))


def gate(plans: Sequence[DeploymentPlan]) -> tuple[Finding, ...]:
    """What a preview tells as warnings.

    Raises:
        CheckFailedError: a mandatory rule is broken, where ``policy.level`` is mandatory.
        ConfigurationError: an exception names no rule, or no reason.
    """
    told: list[Finding] = []
    stopping: list[Finding] = []
    for plan in plans:
        if plan.policy.level == "off":
            continue
        for finding in evaluate_plans([plan]):
            stops = plan.policy.level == "mandatory" and finding.level == "mandatory"
            (stopping if stops else told).append(finding)
    if stopping:
        raise CheckFailedError(_join(list(dict.fromkeys(stopping))))
    return tuple(dict.fromkeys(told))


def _options(plan: DeploymentPlan) -> PolicyOptions:
    policy = plan.policy
    return PolicyOptions(plan.environment, policy.exceptions, policy.allowed_licences)


def _join(findings: Sequence[Finding]) -> str:
    if len(findings) == 1:
        return str(findings[0])
    lines = "; ".join(f"({number}) {finding}" for number, finding in enumerate(findings, 1))
    return f"policy: {len(findings)} rules are broken: {lines}"
