"""What a stack exports: each deployment under ``deployments``, and the only one of a stack also by itself.

``deployments`` is what other programs read (``qwen-infra drift``, ``fleet``): one entry a model, in one form.
"""

from collections.abc import Sequence
from typing import Any

import pulumi

from qwen_infra.components import InferenceEndpoint, ModelCache
from qwen_infra.planning import DeploymentPlan, summarise_plan
from qwen_infra.planning.prediction import describe_prediction

__all__ = ["export_outputs"]


def export_outputs(plans: Sequence[DeploymentPlan], deployed: Sequence[tuple[ModelCache, InferenceEndpoint]]) -> None:
    """Export the deployments; never a secret, only where one is."""
    found = {plan.server.name: _describe(plan) | _prove(*parts) for plan, parts in zip(plans, deployed, strict=True)}
    pulumi.export("deployments", found)
    pulumi.export("cluster", {"identifier": plans[0].cluster.identifier, "namespace": plans[0].cluster.namespace})
    pulumi.export("environment", plans[0].environment or "")
    if len(plans) == 1:
        for key, value in found[plans[0].server.name].items():
            pulumi.export(key, value)


def _describe(plan: DeploymentPlan) -> dict[str, Any]:
    secret = plan.endpoint.key_secret
    return {
        "model": plan.server.arguments.served_model_name,
        "repository": plan.cache.repository,
        "revision": plan.cache.revision,
        "image": plan.server.image,
        "arguments": list(plan.server.arguments.command()),
        "plan": summarise_plan(plan),
        "maxModelLen": plan.server.arguments.max_model_len,
        "apiKeySecret": f"{plan.cluster.namespace}/{secret.secret_name}#{secret.key}",
        "prediction": describe_prediction(plan.fit, plan.server.start),
    }


def _prove(cache: ModelCache, endpoint: InferenceEndpoint) -> dict[str, Any]:
    return {
        "weights": {"path": cache.path, "commit": cache.revision, "manifestDigest": cache.manifest_digest},
        "url": endpoint.url,
        "externalUrl": endpoint.external_url,
        "verification": endpoint.verification,
        "benchmark": endpoint.benchmark,
        "figures": endpoint.figures,
        "madeWith": endpoint.made_with,
    }
