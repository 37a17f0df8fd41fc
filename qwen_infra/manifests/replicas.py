"""How many copies the object that makes the pods asks for."""

from qwen_infra.planning import DeploymentPlan

__all__ = ["build_replicas"]


def build_replicas(plan: DeploymentPlan) -> dict[str, int]:
    """Left out where an autoscaler owns the number, so that the next `up` does not undo what it chose.

    A second generation starts with as many copies as the one that it follows; its component ignores the number later.
    """
    if plan.endpoint.settings.autoscaling is None:
        return {"replicas": plan.server.replicas}
    first = plan.server.rollout.first_replicas
    return {} if first is None else {"replicas": first}
