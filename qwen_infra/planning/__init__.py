"""From settings to a ``DeploymentPlan``: plain data that everything after it is made from."""

from qwen_infra.planning.deployment_plan import DeploymentPlan
from qwen_infra.planning.plan import make_plan
from qwen_infra.planning.server_arguments import ServerArguments

__all__ = ["DeploymentPlan", "ServerArguments", "make_plan"]
