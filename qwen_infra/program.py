"""The Pulumi program: the only place that wires settings, plan, cluster facts, components and outputs together."""

import json
import os
from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi_kubernetes import Provider

from qwen_infra.capacity import with_rollouts
from qwen_infra.checks.cluster_identity import ClusterIdentity
from qwen_infra.checks.failure import DeploymentFailedError, exit_after_the_message
from qwen_infra.cluster import ClusterAccess, Kubectl
from qwen_infra.cluster.facts import ClusterFacts, read_cluster_facts
from qwen_infra.cluster.found_objects import ObjectPlace
from qwen_infra.components import (
    InferenceEndpoint,
    KubernetesObject,
    ModelCache,
    Ownership,
    VllmServer,
    check_target,
)
from qwen_infra.errors import ConfigurationError, QwenInfraError
from qwen_infra.manifests import build_namespace, decide_names, render_stack
from qwen_infra.manifests.custom_kinds import find_custom_kinds
from qwen_infra.outputs import export_outputs
from qwen_infra.planning import DeploymentPlan, make_plans
from qwen_infra.policy.gate import gate
from qwen_infra.preflight import check_preflight
from qwen_infra.settings import load_deployments

__all__ = ["deploy", "run"]


def run() -> None:
    """Deploy what the stack file asks for; whatever is wrong ends the program with one line and no traceback."""
    exit_after_the_message()
    try:
        plans = make_plans(load_deployments(_stack_config()), pulumi.get_stack())
        _check_secrecy(plans)
        for warning in dict.fromkeys(warning for plan in plans for warning in plan.warnings):
            pulumi.warn(warning)
        for finding in gate(plans):
            pulumi.warn(str(finding))
        facts = _read_facts(plans)
        for plan in plans:
            check_preflight(plan, facts, stack=pulumi.get_stack())
        placed = with_rollouts(plans, facts)
        for plan in placed:
            pulumi.info(plan.server.rollout.describe(plan.server.name))
        deploy(*placed, ownership=_own(placed, facts))
    except QwenInfraError as error:
        raise DeploymentFailedError(str(error)) from None


def deploy(*plans: DeploymentPlan, ownership: Ownership | None = None) -> None:
    """Create the resources of each plan, all in one cluster and namespace, and export what a user needs next."""
    common = pulumi.ResourceOptions(
        provider=_provider(plans[0], ownership.identity if ownership else None),
        protect=plans[0].operations.protect or None,
        transformations=[ownership.transform] if ownership else None,
    )
    namespace = _namespace(plans[0], common)
    deployed = [_deploy_one(plan, common, namespace) for plan in plans]
    export_outputs(plans, deployed)


def _deploy_one(
    plan: DeploymentPlan, common: pulumi.ResourceOptions, namespace: list[pulumi.Resource]
) -> tuple[ModelCache, InferenceEndpoint]:
    name = plan.server.name
    own = pulumi.ResourceOptions.merge(common, pulumi.ResourceOptions(depends_on=namespace))
    cache = ModelCache(f"{name}-cache", plan, check_target(plan), own)
    server = VllmServer(name, plan, cache, own)
    return cache, InferenceEndpoint(f"{name}-endpoint", plan, server, own)


def _own(plans: Sequence[DeploymentPlan], facts: ClusterFacts) -> Ownership:
    cluster = plans[0].cluster
    identity = ClusterIdentity(cluster.identifier, facts.uid, cluster.context)
    foreseen = [ObjectPlace.of(manifest) for manifest in render_stack(plans)]
    return Ownership(identity, _kubectl(plans[0]), stack=pulumi.get_stack(), adopt=cluster.adopt, foreseen=foreseen)


def _kubectl(plan: DeploymentPlan) -> Kubectl:
    return Kubectl(ClusterAccess(plan.cluster.kubeconfig, plan.cluster.context))


def _stack_config() -> dict[str, Any]:
    found = json.loads(os.environ.get("PULUMI_CONFIG", "{}"))
    return found if isinstance(found, dict) else {}


def _check_secrecy(plans: Sequence[DeploymentPlan]) -> None:
    """Pulumi writes the configuration into the state; only what it knows as a secret is encrypted there."""
    secret_keys = json.loads(os.environ.get("PULUMI_CONFIG_SECRET_KEYS", "[]"))
    in_clear = json.dumps({key: value for key, value in _stack_config().items() if key not in secret_keys})
    for plan in plans:
        given = plan.endpoint.settings.api_key.value
        if given is not None and json.dumps(given.get_secret_value())[1:-1] in in_clear:
            key = "qwen-infra:endpoint.apiKey.value"
            raise ConfigurationError(
                "the API key stands in clear in the stack file, and so would in the state",
                where=key,
                mend=f"pulumi config set --secret --path '{key}' <key>",
            )


def _read_facts(plans: Sequence[DeploymentPlan]) -> ClusterFacts:
    cluster = plans[0].cluster
    given = {plan.endpoint.key_secret.secret_name for plan in plans if not plan.endpoint.creates_key}
    versions = {version for version, _ in find_custom_kinds(render_stack(plans))}
    return read_cluster_facts(_kubectl(plans[0]), cluster.namespace, *sorted(given), group_versions=sorted(versions))


def _provider(plan: DeploymentPlan, identity: pulumi.Resource | None) -> Provider:
    """One provider a stack; only another cluster identifier replaces what it made.

    What somebody changed by hand (``kubectl scale``) is put back by the next ``up`` instead of ending it with a field
    conflict. An object that exists is taken over; ``Ownership`` has refused before that what is not this state's. An
    empty kubeconfig keeps ``$KUBECONFIG``, a path of one machine, out of the state: the plugin reads it.
    """
    return Provider(
        "cluster",
        kubeconfig=plan.cluster.kubeconfig or "",
        context=plan.cluster.context,
        cluster_identifier=plan.cluster.identifier,
        enable_patch_force=True,
        upsert_existing_objects=True,
        opts=pulumi.ResourceOptions(depends_on=[identity]) if identity else None,
    )


def _namespace(plan: DeploymentPlan, common: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    if not plan.cluster.create_namespace:
        return []
    return [KubernetesObject("namespace", build_namespace(decide_names(plan)), common)]
