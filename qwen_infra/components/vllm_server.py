"""``qwen:infra:VllmServer``: vLLM on the GPUs, ready to answer.

Children: the gatekeeper's ConfigMap, the API key and its Secret (unless one exists), and one generation of pods: the
Deployment (or LeaderWorkerSet), what belongs to it alone, and ``ServerReadiness``, which waits for it.
With ``rollout: blueGreen`` two generations take turns: each has resource names of its own, so that a new one is made
beside the old one, and the engine removes the old one at the end of an update in which everything has passed.
"""

import hashlib
import json
from typing import Any

import pulumi

from qwen_infra.checks import CheckTarget, ServerReadiness, ServerReadinessProvider, require_passed
from qwen_infra.checks.api_key import ApiKey
from qwen_infra.components.kubernetes_object import KubernetesObject
from qwen_infra.components.model_cache import ModelCache
from qwen_infra.manifests import build_guard, build_key_secret, decide_names
from qwen_infra.manifests.disruption import build_disruption_budget
from qwen_infra.manifests.guard import previous_key
from qwen_infra.manifests.leader_worker_set import build_compute_domain
from qwen_infra.manifests.server import build_server, pod_templates
from qwen_infra.manifests.service import build_own_service
from qwen_infra.planning import DeploymentPlan, summarise_plan

__all__ = ["VllmServer", "check_target", "generation_options", "resource_name", "tell_what_serves"]

MODEL_MANIFEST = "qwen-infra.dev/model-manifest"
"""Annotation of the pods: the digest of the downloaded files' manifest."""


class VllmServer(pulumi.ComponentResource):
    """One model, served by the pods of one Deployment.

    Produces: ConfigMap of the gatekeeper, ApiKey and Secret, Deployment (``qwen_infra.manifests.server``), its
    disruption budget and Service, ServerReadiness.
    """

    deployment: pulumi.Output[str]
    ready: pulumi.Output[str]
    """"passed" once every pod is ready; never when one is not, since the deployment fails then."""
    readiness: ServerReadiness
    pods: dict[str, pulumi.Input[str]]
    """Digests of the pods' manifest and of their weights: when one changes, every proof is worthless."""

    def __init__(
        self, name: str, plan: DeploymentPlan, cache: ModelCache, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("qwen:infra:VllmServer", name, {"plan": summarise_plan(plan)}, opts)
        names = decide_names(plan)
        manifest = build_server(plan, names)
        guard = KubernetesObject(f"{name}-guard", build_guard(names), pulumi.ResourceOptions(parent=self))
        before: list[pulumi.Resource] = [cache, guard]
        self.pods = {"manifest": _digest(_deciding(plan, manifest["spec"])), "weights": cache.manifest_digest}
        # an output in the template: the Deployment waits for complete weights, and other weights are other pods
        for template in pod_templates(manifest):
            template["metadata"]["annotations"][MODEL_MANIFEST] = cache.manifest_digest
        if plan.endpoint.creates_key:
            before.append(self._create_key_secret(name, plan))
        for part, companion in _companions(plan).items():
            before.append(KubernetesObject(resource_name(plan, name, part), companion, generation_options(plan, self)))
        options = pulumi.ResourceOptions(
            depends_on=before,
            # the first number of a generation whose number an autoscaler owns later
            ignore_changes=["spec.replicas"] if plan.endpoint.settings.autoscaling else None,
        )
        options = pulumi.ResourceOptions.merge(generation_options(plan, self), options)
        deployment = KubernetesObject(resource_name(plan, name, "deployment"), manifest, options)
        self.readiness = ServerReadiness(
            resource_name(plan, name, "readiness"),
            ServerReadinessProvider(),
            inputs={
                "triggers": self.pods,
                "target": check_target(plan).as_inputs(),
                "options": {"timeout_s": plan.longest_start_s},
            },
            parent=self,
            depends_on=[deployment],
        )
        self.deployment = pulumi.Output.from_input(names.generation)
        self.ready = require_passed(self.readiness, consequence=tell_what_serves(plan))
        self.register_outputs(
            {
                "deployment": self.deployment,
                "readiness": self.readiness.summary,
                "environment": plan.environment or "",  # by which the policy pack knows how strict it is
            }
        )

    def _create_key_secret(self, name: str, plan: DeploymentPlan) -> pulumi.Resource:
        settings, current = plan.endpoint.settings.api_key, plan.endpoint.key_secret.key
        held = {"target": check_target(plan).as_inputs(), "previous_key": previous_key(current)}
        key = ApiKey(
            f"{name}-key",
            rotation=settings.rotation,
            given=settings.value.get_secret_value() if settings.value else None,
            keep_previous=settings.keep_previous,
            adopt_from=held if plan.cluster.adopt else None,
            parent=self,
        )
        manifest = build_key_secret(plan, decide_names(plan), "")
        manifest["stringData"] = {
            current: pulumi.Output.secret(key.value),
            previous_key(current): pulumi.Output.secret(key.previous),
        }
        options = pulumi.ResourceOptions(parent=self, additional_secret_outputs=["data", "stringData"])
        return KubernetesObject(f"{name}-key-secret", manifest, options)


def resource_name(plan: DeploymentPlan, name: str, part: str) -> str:
    """Name of a resource that belongs to one generation: the second one's are others, not changed ones."""
    slot = plan.server.rollout.slot
    return f"{name}-{part}-{slot}" if slot else f"{name}-{part}"


def generation_options(plan: DeploymentPlan, parent: pulumi.Resource) -> pulumi.ResourceOptions:
    """Never protected where another generation may follow: a protected one could not be removed afterwards."""
    return pulumi.ResourceOptions(parent=parent, protect=False if plan.server.rollout.is_gated else None)


def tell_what_serves(plan: DeploymentPlan) -> str:
    """What a failed check means for those who use the endpoint; nothing where no other generation serves."""
    beside = plan.server.rollout.beside
    if beside is None:
        return ""
    return (
        f" The endpoint still answers from {beside}; {decide_names(plan).generation} stays for a look, and the next "
        "`pulumi up` overwrites or removes it"
    )


def _companions(plan: DeploymentPlan) -> dict[str, dict[str, Any]]:
    """What belongs to the pods of one generation, by a word that names its part; made before them, removed after."""
    names = decide_names(plan)
    found: dict[str, dict[str, Any]] = {}
    if plan.server.compute_domain:
        found["compute-domain"] = build_compute_domain(plan, names)
    if (budget := build_disruption_budget(plan, names)) is not None:
        found["disruption-budget"] = budget
    if plan.server.rollout.is_gated:
        found["check-service"] = build_own_service(plan, names)
    return found


def _deciding(plan: DeploymentPlan, spec: dict[str, Any]) -> dict[str, Any]:
    """What of the manifest makes another wait and other proofs necessary: all but how and how often it is made."""
    ignored = {"strategy", "replicas"} if plan.endpoint.settings.autoscaling else {"strategy"}
    return {key: value for key, value in spec.items() if key not in ignored}


def check_target(plan: DeploymentPlan) -> CheckTarget:
    """The names that lead a check to the planned server; to a generation that does not serve yet by its own Service."""
    names = decide_names(plan)
    is_gated = plan.server.rollout.is_gated
    return CheckTarget(
        namespace=names.namespace,
        deployment=names.generation,
        service=names.own_service if is_gated else names.service,
        port=plan.endpoint.port,
        served_model_name=plan.server.arguments.served_model_name,
        secret_name=names.key_secret,
        secret_key=plan.endpoint.key_secret.key,
        kubeconfig=plan.cluster.kubeconfig,
        context=plan.cluster.context,
        url=None if is_gated else plan.endpoint.url,
        kind="leaderworkersets.leaderworkerset.x-k8s.io" if plan.server.nodes_per_replica > 1 else None,
    )


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
