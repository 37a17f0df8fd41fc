"""From settings to a ``DeploymentPlan``: plain data that everything after it is made from."""

from qwen_infra.planning.deployment_plan import DeploymentPlan
from qwen_infra.planning.expected_server import expect_server
from qwen_infra.planning.plan import make_plan
from qwen_infra.planning.server_arguments import ServerArguments
from qwen_infra.planning.stack_plan import make_plans
from qwen_infra.planning.summary import summarise_plan

__all__ = ["DeploymentPlan", "ServerArguments", "expect_server", "make_plan", "make_plans", "summarise_plan"]
