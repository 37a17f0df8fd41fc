"""What several commands ask of a stack: its plans, the one that is meant, its key and its address."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from qwen_infra.cli.existing import ask_which_server
from qwen_infra.cli.running_demo import enter_demo
from qwen_infra.cluster import ClusterAccess, Kubectl
from qwen_infra.cluster.kubectl import ObjectNotFoundError
from qwen_infra.cluster.port_forward import forward
from qwen_infra.cluster.secret import read_secret_value
from qwen_infra.errors import ConfigurationError
from qwen_infra.planning import DeploymentPlan, make_plans
from qwen_infra.settings import load_stack_deployments

if TYPE_CHECKING:
    from qwen_infra.client import Endpoint

__all__ = ["choose_plan", "find_serving_generation", "kubectl_of", "load_plans", "open_endpoint", "read_key"]


def load_plans(stack: str) -> tuple[DeploymentPlan, ...]:
    """The plans of ``Pulumi.<stack>.yaml`` in the working folder."""
    return make_plans(load_stack_deployments(Path(), stack), stack)


def choose_plan(plans: Sequence[DeploymentPlan], server: str | None) -> DeploymentPlan:
    """The plan of a server by its name; the only one where none is named.

    Raises:
        ConfigurationError: several models and none named, or no such server.
    """
    names = ", ".join(plan.server.name for plan in plans)
    if server is None and len(plans) == 1:
        return plans[0]
    if server is None:
        raise ConfigurationError(
            "the stack has several models", where="--server", expected=f"one of: {names}", mend="name one with --server"
        )
    found = next((plan for plan in plans if server in {plan.server.name, plan.server.name.removeprefix("vllm-")}), None)
    if found is None:
        raise ConfigurationError(
            "the stack has no such server",
            where="--server",
            found=server,
            expected=f"one of: {names}",
            mend="name one of these with --server",
        )
    return found


def kubectl_of(plan: DeploymentPlan) -> Kubectl:
    """Kubectl for the plan's cluster."""
    return Kubectl(ClusterAccess(plan.cluster.kubeconfig, plan.cluster.context))


def find_serving_generation(plan: DeploymentPlan) -> str:
    """The label ``app`` of the pods that the endpoint's Service finds, whichever generation they are of."""
    try:
        service = kubectl_of(plan).get("--namespace", plan.cluster.namespace, "service", plan.endpoint.service_name)
    except ObjectNotFoundError:
        return plan.server.name
    return str(service["spec"].get("selector", {}).get("app", plan.server.name))


def read_key(plan: DeploymentPlan) -> str:
    """The API key, from its Secret."""
    secret = plan.endpoint.key_secret
    return read_secret_value(kubectl_of(plan), plan.cluster.namespace, secret.secret_name, secret.key)


@contextmanager
def open_endpoint(
    stack: str | None, server: str | None, url: str | None, model: str | None, api_key_env: str
) -> Iterator["Endpoint"]:
    """The endpoint of a stack (default: the demo's), through a port-forward when it has no URL, or the one at ``url``.

    Raises:
        ConfigurationError: neither a stack nor a URL with a model's name.
        KubectlError: no cluster, no Secret, no tunnel.
    """
    from qwen_infra.client import Endpoint

    if url is not None and model is not None:
        yield Endpoint(url=url, model=model, api_key=os.environ.get(api_key_env) or None)
        return
    stack = stack or enter_demo(Path())
    if stack is None:
        raise ask_which_server("qwen-infra chat", takes_url=True)
    plan = choose_plan(load_plans(stack), server)
    name = model or plan.server.arguments.served_model_name
    key = os.environ.get(api_key_env) or read_key(plan)
    if url or plan.endpoint.url:
        yield Endpoint(url=url or plan.endpoint.url or "", model=name, api_key=key)
        return
    target = f"service/{plan.endpoint.service_name}"
    with forward(kubectl_of(plan), plan.cluster.namespace, target, plan.endpoint.port) as local:
        yield Endpoint(url=local, model=name, api_key=key)
