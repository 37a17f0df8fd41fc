"""Registers the manifests of ``manifests.json`` as resources, and a server component that names the environment."""

import json
from pathlib import Path

import pulumi
from pulumi_kubernetes import Provider

from qwen_infra.components import KubernetesObject

document = json.loads(Path("manifests.json").read_text("utf-8"))
server = pulumi.ComponentResource("qwen:infra:VllmServer", "server")
server.register_outputs({"environment": document["environment"]})
provider = Provider("render", render_yaml_to_directory="rendered")
for name, manifest in document["objects"].items():
    if template := manifest.get("spec", {}).get("template"):
        # known only during the update, as the digest of the weights is in the preview of a new stack
        template["metadata"].setdefault("annotations", {})["known-later"] = provider.id
    KubernetesObject(name, manifest, pulumi.ResourceOptions(provider=provider))
