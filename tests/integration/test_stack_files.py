"""The repository's stack files, each deployed as it is on simulated nodes of its GPU.

Only the checks are left out, which would ask the simulator; they have tests of their own.
"""

import json
from collections.abc import Callable

import pytest
import yaml

from qwen_infra.local.profiles import build_nodes, find_profile
from qwen_infra.planning import make_plans
from qwen_infra.settings import load_stack_deployments
from tests.integration.harness import ROOT, Project, open_project

Make = Callable[..., Project]
NODES = {
    "h200": "H200:1",
    "b200-nvfp4": "B200:1",
    "l40s-dev": "L40S:1",
    "staging-eu": "H200:1",
    "prod-eu": "H200:2",
    "prod-us": "H100:2",
}
"""Each stack, and the smallest cluster that it is meant for."""
UNCHECKED = {
    "qwen-infra:verification": {"level": "off"},
    "qwen-infra:benchmark": {"workload": "off"},
    "qwen-infra:operations": {"requireVerification": False},
}


@pytest.mark.parametrize("stack", NODES)
def test_the_stack_file_is_deployed_on_nodes_of_its_gpu(project: Make, stack: str) -> None:
    base = project()
    document = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text("utf-8"))
    document["config"] |= UNCHECKED
    deployed = open_project(base.folder.parent / stack, base.environment, base.cluster, document, stack)
    kubectl = deployed.kubectl
    plans = make_plans(load_stack_deployments(deployed.folder, stack), stack)
    nodes = json.dumps({"apiVersion": "v1", "kind": "List", "items": build_nodes(find_profile(NODES[stack]))})
    kubectl.run("create", "--validate=false", "--filename=-", stdin=nodes)
    try:
        assert set(deployed.up()["deployments"]) == {plan.server.name for plan in plans}
        namespace = plans[0].cluster.namespace
        ready = {
            item["metadata"]["name"]: item["status"].get("readyReplicas")
            for item in kubectl.items("--namespace", namespace, "deployments")
        }
        assert ready == {plan.server.name: plan.server.replicas for plan in plans}
        used = {item["spec"]["nodeName"] for item in kubectl.items("--namespace", namespace, "pods")}
        assert used <= set(find_profile(NODES[stack]).node_names)
    finally:
        # faster than a destroy, which prod's protection would refuse anyway; the state is thrown away with the folder
        kubectl.run("delete", "namespace", plans[0].cluster.namespace, "--ignore-not-found", timeout_s=300)
        kubectl.run("delete", "--filename=-", stdin=nodes)
