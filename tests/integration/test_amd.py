"""The stack for AMD GPUs, deployed by the real engine to a simulated node with ``amd.com/gpu``."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from qwen_infra import local
from qwen_infra.cluster import ClusterAccess, Kubectl
from qwen_infra.local.profiles import build_nodes, find_profile
from tests.integration.harness import ROOT, Project

Make = Callable[..., Project]
NODE = "mi300x-node-0"


@pytest.fixture
def amd_node(cluster: local.LocalCluster) -> Iterator[None]:
    kubectl = Kubectl(ClusterAccess(str(cluster.kubeconfig), cluster.context), str(cluster.bin_folder / "kubectl"))
    nodes = json.dumps({"apiVersion": "v1", "kind": "List", "items": build_nodes(find_profile("MI300X:1"))})
    kubectl.run("create", "--validate=false", "--filename=-", stdin=nodes)
    yield
    kubectl.run("delete", "--filename=-", stdin=nodes)


def stack_file() -> dict[str, Any]:
    """The repository's, with a short load and a namespace of its own."""
    config = yaml.safe_load((ROOT / "Pulumi.mi300x.yaml").read_text("utf-8"))["config"]
    found = {key.partition(":")[2]: value for key, value in config.items()}
    return found | {"cluster": {"identifier": "test", "namespace": "qwen-amd"}, "benchmark": {"workload": "smoke"}}


@pytest.mark.usefixtures("amd_node")
def test_the_amd_stack_serves_from_the_amd_node_with_the_rocm_image(project: Make) -> None:
    deployed = project(**stack_file())
    outputs = deployed.up()
    assert outputs["verification"].startswith("verification passed")
    (pod,) = deployed.kubectl.items("--namespace", "qwen-amd", "pods", "--selector=app=vllm-qwen35-122b")
    (container,) = pod["spec"]["containers"]
    assert pod["spec"]["nodeName"] == NODE
    assert container["image"].startswith("vllm/vllm-openai-rocm:")
    assert container["resources"]["limits"]["amd.com/gpu"] == "2"
    assert {"name": "VLLM_ROCM_USE_AITER", "value": "1"} in container["env"]


def test_the_amd_stack_is_refused_where_no_node_has_the_gpu(project: Make) -> None:
    told = project(**stack_file()).fail("preview")
    assert "expected amd.com/gpu.product-name in (" in told
    assert "AMD_Instinct_MI300X_OAM" in told
