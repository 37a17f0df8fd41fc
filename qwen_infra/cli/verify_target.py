"""What ``qwen-infra verify`` asks: an address, or a stack's server as its own check asks it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from qwen_infra.client import ClusterFacts, Endpoint
from qwen_infra.errors import ConfigurationError
from qwen_infra.verification import DeployedServer, SuiteOptions

if TYPE_CHECKING:
    from qwen_infra.planning import DeploymentPlan

__all__ = ["Target", "open_target"]


@dataclass(frozen=True)
class Target:
    """A server, how to ask it, and what its plan and cluster say."""

    endpoint: Endpoint
    level: str
    options: SuiteOptions
    cluster: ClusterFacts = field(default_factory=ClusterFacts)
    stack: str | None = None
    server: str | None = None


@contextmanager
def open_target(
    endpoint: Endpoint | None, stack: str | None, server: str | None, url: str | None, api_key_env: str
) -> Iterator[Target]:
    """An endpoint as it is, or the server of a stack (default: the demo's) with what its stack file asks.

    Raises:
        ConfigurationError: neither is given, or there is no such stack or server.
        KubectlError: no cluster, no Secret, no tunnel.
    """
    if endpoint is not None:
        yield Target(endpoint, "full", SuiteOptions(), stack=stack)
        return
    if stack is None and url is not None:
        raise ConfigurationError(
            "the model's name at that address is missing",
            where="--model",
            mend=f"qwen-infra verify --url {url} --model qwen3.5",
        )
    from qwen_infra.cli.existing import ask_which_server
    from qwen_infra.cli.running_demo import enter_demo
    from qwen_infra.cli.stack_endpoint import choose_plan, load_plans, open_endpoint

    stack = stack or enter_demo(Path())
    if stack is None:
        raise ask_which_server("qwen-infra verify", takes_url=True)
    plan = choose_plan(load_plans(stack), server)
    with open_endpoint(stack, plan.server.name, url, None, api_key_env) as found:
        yield _describe(plan, found, stack, is_tunnel=not (url or plan.endpoint.url))


def _describe(plan: "DeploymentPlan", endpoint: Endpoint, stack: str, *, is_tunnel: bool) -> Target:
    from qwen_infra.cli.stack_endpoint import find_serving_generation, kubectl_of
    from qwen_infra.cluster.hardware import read_hardware, read_image_digests
    from qwen_infra.planning import expect_server

    kubectl, namespace, generation = kubectl_of(plan), plan.cluster.namespace, find_serving_generation(plan)
    hardware = read_hardware(kubectl, namespace, generation)
    settings = plan.verification
    options = SuiteOptions(
        thinking_by_default=plan.server.arguments.thinks_by_default,
        include=settings.include,
        exclude=settings.exclude,
        through_tunnel=is_tunnel,
        soak_s=settings.soak_minutes * 60,
        deployed=DeployedServer(
            is_simulated=hardware.simulated,
            running_image_digests=read_image_digests(kubectl, namespace, generation),
            **expect_server(plan),
        ),
    )
    return Target(
        endpoint,
        "full" if settings.level == "off" else settings.level,
        options,
        ClusterFacts(gpu_product=hardware.gpu_product, simulated_nodes=hardware.simulated),
        stack,
        generation,
    )
