"""The Pulumi program: the only place that wires settings, plan, cluster facts, components and outputs together."""

import json
import os
from typing import Any

import pulumi
from pulumi_kubernetes import Provider

from qwen_infra.checks.failure import DeploymentFailedError, exit_after_the_message
from qwen_infra.cluster import ClusterAccess, Kubectl
from qwen_infra.cluster.facts import ClusterFacts, read_cluster_facts
from qwen_infra.components import InferenceEndpoint, KubernetesObject, ModelCache, VllmServer
from qwen_infra.errors import QwenInfraError
from qwen_infra.manifests import build_namespace, decide_names
from qwen_infra.planning import DeploymentPlan, make_plan
from qwen_infra.preflight import check_preflight
from qwen_infra.settings import load_settings

__all__ = ["deploy", "run"]


def run() -> None:
    """Deploy what the stack file asks for; whatever is wrong ends the program with one line and no traceback."""
    exit_after_the_message()
    try:
        plan = make_plan(load_settings(_stack_config()))
        for warning in plan.warnings:
            pulumi.warn(warning)
        check_preflight(plan, _read_facts(plan), stack=pulumi.get_stack())
        deploy(plan)
    except QwenInfraError as error:
        raise DeploymentFailedError(str(error)) from None


def deploy(plan: DeploymentPlan) -> None:
    """Create the resources of a plan and export what a user needs next."""
    name = plan.server.name
    provider = _provider(plan)
    namespace = _namespace(plan, provider)
    within = pulumi.ResourceOptions(providers=[provider], depends_on=namespace)
    cache = ModelCache(f"{name}-cache", plan, within)
    server = VllmServer(name, plan, cache, within)
    endpoint = InferenceEndpoint(f"{name}-endpoint", plan, server, within)
    _export(plan, endpoint)


def _stack_config() -> dict[str, Any]:
    found = json.loads(os.environ.get("PULUMI_CONFIG", "{}"))
    return found if isinstance(found, dict) else {}


def _read_facts(plan: DeploymentPlan) -> ClusterFacts:
    kubectl = Kubectl(ClusterAccess(plan.cluster.kubeconfig, plan.cluster.context))
    secret = None if plan.endpoint.generate_key else plan.endpoint.key_secret.secret_name
    return read_cluster_facts(kubectl, plan.cluster.namespace, secret)


def _provider(plan: DeploymentPlan) -> Provider:
    """One provider a stack; only another cluster identifier replaces what it made.

    An empty kubeconfig keeps ``$KUBECONFIG``, a path of one machine, out of the state: the plugin reads it by itself.
    """
    return Provider(
        "cluster",
        kubeconfig=plan.cluster.kubeconfig or "",
        context=plan.cluster.context,
        cluster_identifier=plan.cluster.identifier,
    )


def _namespace(plan: DeploymentPlan, provider: Provider) -> list[pulumi.Resource]:
    if not plan.cluster.create_namespace:
        return []
    manifest = build_namespace(decide_names(plan))
    return [KubernetesObject("namespace", manifest, pulumi.ResourceOptions(provider=provider))]


def _export(plan: DeploymentPlan, endpoint: InferenceEndpoint) -> None:
    secret = plan.endpoint.key_secret
    pulumi.export("url", endpoint.url)
    pulumi.export("model", plan.server.arguments.served_model_name)
    pulumi.export("maxModelLen", plan.server.arguments.max_model_len)
    pulumi.export("apiKeySecret", f"{plan.cluster.namespace}/{secret.secret_name}#{secret.key}")
    pulumi.export("prediction", plan.fit.to_json())
    pulumi.export("verification", endpoint.verification)
    pulumi.export("benchmark", endpoint.benchmark)
    pulumi.export("figures", endpoint.figures)
    pulumi.export("madeWith", endpoint.made_with)
