"""``qwen:infra:VllmServer``: vLLM on the GPUs, ready to answer.

Children: the gatekeeper's ConfigMap, the API key and its Secret (unless one exists), the Deployment, and
``ServerReadiness``, which waits for it.
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
from qwen_infra.planning import DeploymentPlan, summarise_plan

__all__ = ["VllmServer", "check_target"]

MODEL_MANIFEST = "qwen-infra.dev/model-manifest"
"""Annotation of the pods: the digest of the downloaded files' manifest."""


class VllmServer(pulumi.ComponentResource):
    """One model, served by the pods of one Deployment.

    Produces: ConfigMap of the gatekeeper, ApiKey and Secret, Deployment (``qwen_infra.manifests.server``),
    ServerReadiness.
    """

    deployment: pulumi.Output[str]
    ready: pulumi.Output[str]
    """"passed" once every pod is ready; never when one is not, since the deployment fails then."""
    readiness: ServerReadiness

    def __init__(
        self, name: str, plan: DeploymentPlan, cache: ModelCache, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("qwen:infra:VllmServer", name, {"plan": summarise_plan(plan)}, opts)
        names = decide_names(plan)
        manifest = build_server(plan, names)
        guard = KubernetesObject(f"{name}-guard", build_guard(names), pulumi.ResourceOptions(parent=self))
        before: list[pulumi.Resource] = [cache, guard]
        manifest_digest = _digest({key: value for key, value in manifest["spec"].items() if key != "strategy"})
        # an output in the template: the Deployment waits for complete weights, and other weights are other pods
        for template in pod_templates(manifest):
            template["metadata"]["annotations"][MODEL_MANIFEST] = cache.manifest_digest
        if plan.endpoint.creates_key:
            before.append(self._create_key_secret(name, plan))
        if plan.server.compute_domain:
            domain = build_compute_domain(plan, names)
            before.append(KubernetesObject(f"{name}-compute-domain", domain, pulumi.ResourceOptions(parent=self)))
        if (budget := build_disruption_budget(plan, names)) is not None:
            KubernetesObject(f"{name}-disruption-budget", budget, pulumi.ResourceOptions(parent=self))
        options = pulumi.ResourceOptions(parent=self, depends_on=before)
        deployment = KubernetesObject(f"{name}-deployment", manifest, options)
        self.readiness = ServerReadiness(
            f"{name}-readiness",
            ServerReadinessProvider(),
            inputs={
                "triggers": {"manifest": manifest_digest, "weights": cache.manifest_digest},
                "target": check_target(plan).as_inputs(),
                "options": {"timeout_s": plan.longest_start_s},
            },
            parent=self,
            depends_on=[deployment],
        )
        self.deployment = pulumi.Output.from_input(names.server)
        self.ready = require_passed(self.readiness)
        self.register_outputs(
            {
                "deployment": self.deployment,
                "readiness": self.readiness.summary,
                "environment": plan.environment or "",  # by which the policy pack knows how strict it is
            }
        )

    def _create_key_secret(self, name: str, plan: DeploymentPlan) -> pulumi.Resource:
        settings = plan.endpoint.settings.api_key
        key = ApiKey(
            f"{name}-key",
            rotation=settings.rotation,
            given=settings.value.get_secret_value() if settings.value else None,
            keep_previous=settings.keep_previous,
            parent=self,
        )
        manifest = build_key_secret(plan, decide_names(plan), "")
        current = plan.endpoint.key_secret.key
        manifest["stringData"] = {
            current: pulumi.Output.secret(key.value),
            previous_key(current): pulumi.Output.secret(key.previous),
        }
        options = pulumi.ResourceOptions(parent=self, additional_secret_outputs=["data", "stringData"])
        return KubernetesObject(f"{name}-key-secret", manifest, options)


def check_target(plan: DeploymentPlan) -> CheckTarget:
    """The names that lead a check to the planned server."""
    names = decide_names(plan)
    return CheckTarget(
        namespace=names.namespace,
        deployment=names.server,
        service=names.service,
        port=plan.endpoint.port,
        served_model_name=plan.server.arguments.served_model_name,
        secret_name=names.key_secret,
        secret_key=plan.endpoint.key_secret.key,
        kubeconfig=plan.cluster.kubeconfig,
        context=plan.cluster.context,
        url=plan.endpoint.url,
        kind="leaderworkersets.leaderworkerset.x-k8s.io" if plan.server.nodes_per_replica > 1 else None,
    )


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
