"""The Pulumi program of the project ``fleet/``: the endpoints of other stacks as one catalogue.

It reads stacks by StackReference, from the same backend, and needs neither their clusters nor their passphrases.
"""

import json
import os
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_kubernetes import Provider

from qwen_infra.checks.failure import DeploymentFailedError, exit_after_the_message
from qwen_infra.components import KubernetesObject
from qwen_infra.errors import QwenInfraError
from qwen_infra.fleet.catalogue import build_catalogue
from qwen_infra.settings.fleet import CatalogueTarget, FleetSettings, load_fleet_settings

__all__ = ["run"]

_OUTPUTS = ("deployments", "cluster", "environment")


def run() -> None:
    """Export the catalogue, and publish it where the stack file says; a wrong key is one line."""
    exit_after_the_message()
    try:
        settings = load_fleet_settings(json.loads(os.environ.get("PULUMI_CONFIG", "{}")))
    except QwenInfraError as error:
        raise DeploymentFailedError(str(error)) from None
    outputs = {stack: _read(settings, stack) for stack in settings.stacks}
    catalogue = pulumi.Output.all(**outputs).apply(_build)
    pulumi.export("endpoints", catalogue)
    for target in settings.publish_to:
        _publish(target, catalogue)


def _read(settings: FleetSettings, stack: str) -> pulumi.Output[Mapping[str, Any]]:
    reference = pulumi.StackReference(stack, stack_name=f"{settings.organization}/{settings.project}/{stack}")
    return pulumi.Output.all(**{name: reference.get_output(name) for name in _OUTPUTS})


def _build(outputs: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    for stack in sorted(stack for stack, found in outputs.items() if not found.get("deployments")):
        pulumi.warn(f"stack {stack} has not been deployed yet, and is left out. To add it: pulumi up --stack {stack}")
    return build_catalogue(outputs)


def _publish(target: CatalogueTarget, catalogue: pulumi.Output[list[dict[str, Any]]]) -> None:
    name = f"{target.identifier}-{target.namespace}-{target.name}"
    provider = Provider(
        name,
        kubeconfig=target.kubeconfig or "",
        context=target.context,
        cluster_identifier=target.identifier,
        enable_patch_force=True,
    )
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": target.name,
            "namespace": target.namespace,
            "labels": {"app.kubernetes.io/managed-by": "qwen-infra"},
        },
        "data": {"endpoints.json": catalogue.apply(lambda found: json.dumps(found, indent=2) + "\n")},
    }
    KubernetesObject(name, manifest, pulumi.ResourceOptions(provider=provider))
