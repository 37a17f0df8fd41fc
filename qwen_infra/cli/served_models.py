"""From the flags of ``client-config`` to the models that its settings are for."""

from pathlib import Path

from qwen_infra.cli.existing import ask_which_server
from qwen_infra.cli.running_demo import enter_demo
from qwen_infra.cli.stack_endpoint import choose_plan, load_plans, read_key
from qwen_infra.client import Endpoint
from qwen_infra.client_settings import KEY_VARIABLE, ApiKey, ServedModel, serve_plan
from qwen_infra.planning import DeploymentPlan

__all__ = ["CONNECT_PORT", "find_served_models"]

CONNECT_PORT = 8000
"""Local port of ``qwen-infra connect``; the models after the first take the next ones."""


def find_served_models(
    *,
    stack: str | None,
    server: str | None,
    url: str | None,
    in_cluster: bool,
    model: str | None,
    max_model_len: int,
    show_key: bool,
) -> tuple[ServedModel, ...]:
    """The models of a stack, or the one at a URL.

    Raises:
        ConfigurationError: neither a stack, nor a URL with a model's name; a URL for several models.
    """
    if url is None or model is None:
        stack = stack or enter_demo(Path())
    if stack is None:
        if url is None or model is None:
            raise ask_which_server("qwen-infra client-config --for openai", takes_url=True)
        return (ServedModel(model, Endpoint(url=url, model=model).url, max_model_len, ApiKey()),)
    plans = load_plans(stack)
    chosen = plans if server is None else (choose_plan(plans, server),)
    if url is not None and len(chosen) > 1:
        choose_plan(chosen, None)
    return tuple(
        serve_plan(
            plan,
            url or _address(plan, position, in_cluster=in_cluster),
            variable=KEY_VARIABLE if position == 0 else f"{KEY_VARIABLE}_{position + 1}",
            value=read_key(plan) if show_key else None,
        )
        for position, plan in enumerate(chosen)
    )


def _address(plan: DeploymentPlan, position: int, *, in_cluster: bool) -> str:
    if in_cluster:
        return f"http://{plan.endpoint.service_name}.{plan.cluster.namespace}.svc:{plan.endpoint.port}"
    if plan.endpoint.url:
        return plan.endpoint.url
    if plan.endpoint.settings.route is not None:
        return f"https://{plan.endpoint.settings.route.host}"
    return f"http://127.0.0.1:{CONNECT_PORT + position}"
