"""From the deployments of one stack to their plans, and that they can live side by side."""

from collections.abc import Callable, Sequence

from qwen_infra.errors import ConfigurationError
from qwen_infra.planning.deployment_plan import DeploymentPlan
from qwen_infra.planning.plan import make_plan
from qwen_infra.settings import StackSettings

__all__ = ["make_plans"]


def make_plans(deployments: Sequence[StackSettings], stack: str = "") -> tuple[DeploymentPlan, ...]:
    """The plan of each deployment, in the stack file's order.

    Raises:
        ConfigurationError: one of them cannot work (``make_plan``), or two would have the same name.
    """
    plans = tuple(make_plan(settings, stack) for settings in deployments)
    _check_distinct(plans, "server.name", lambda plan: plan.server.name)
    _check_distinct(plans, "endpoint.serviceName", lambda plan: plan.endpoint.service_name)
    _check_distinct(plans, "endpoint.url", lambda plan: plan.endpoint.url)
    return plans


def _check_distinct(plans: Sequence[DeploymentPlan], key: str, name_of: Callable[[DeploymentPlan], str | None]) -> None:
    names = [name for plan in plans if (name := name_of(plan)) is not None]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigurationError(
            "two models of the stack would have the same",
            where=f"qwen-infra:{key}",
            found=twice,
            mend=f"set qwen-infra:models.<name>.{key} of each, or of none",
        )
