"""The endpoint's objects on a real API server, who is let in, and a key that changes while the server runs."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pulumi.automation import ConfigValue

from qwen_infra import local
from qwen_infra.cluster.port_forward import forward
from qwen_infra.cluster.secret import read_secret_value
from tests.integration.harness import Project

Make = Callable[..., Project]
NAMESPACE, SERVER = "qwen-test", "vllm-qwen35-4b"
PATIENCE_S = 240
UNCHECKED: dict[str, Any] = {"verification": {"level": "off"}, "benchmark": {"workload": "off"}}
GATEWAY: dict[str, Any] = {
    "type": "NodePort",
    "nodePort": 30811,
    "allowFrom": [{"namespace": "apps"}, {"cidr": "10.0.0.0/8"}],
    "route": {"kind": "httpRoute", "host": "qwen.example.com", "gateway": "public", "gatewayNamespace": "gateways"},
    "inferencePool": {"endpointPicker": "picker"},
    "monitoring": {"kind": "serviceMonitor"},
    "autoscaling": {"kind": "keda", "maxReplicas": 2},
}
INGRESS: dict[str, Any] = {
    "type": "LoadBalancer",
    "allowFrom": [{"cidr": "10.0.0.0/8"}],
    "route": {"kind": "ingress", "host": "qwen.example.com", "tlsSecret": "tls"},
    "monitoring": {"kind": "podMonitor"},
    "autoscaling": {"kind": "hpa", "maxReplicas": 2},
}


@pytest.fixture
def custom_kinds(cluster: local.LocalCluster) -> None:
    local.install_custom_kinds(cluster.name, state_root=cluster.state_folder.parent)


def kinds_of(project: Project) -> set[str]:
    """Kinds of the Kubernetes objects in the stack's state."""
    resources = json.loads(project.state()).get("resources") or []
    return {item["type"].rpartition(":")[2] for item in resources if item["type"].startswith("kubernetes:")}


def ask(project: Project, path: str, key: str | None = None) -> int:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    with forward(project.kubectl, NAMESPACE, f"service/{SERVER}-service", 8000) as url:
        return httpx.get(f"{url}{path}", headers=headers, timeout=60).status_code


def wait_for(project: Project, path: str, key: str, status: int) -> None:
    """Until a kubelet's renewal of the Secret has arrived."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := ask(project, path, key)) != status:
        assert time.monotonic() < deadline, f"{path} still answers {found}"
        time.sleep(0.5)


def pods(project: Project) -> set[tuple[str, int]]:
    items = project.kubectl.items("--namespace", NAMESPACE, "pods", f"--selector=app={SERVER}")
    return {(pod["metadata"]["uid"], pod["status"]["containerStatuses"][0]["restartCount"]) for pod in items}


def key_of(project: Project, name: str = "api-key") -> str:
    return read_secret_value(project.kubectl, NAMESPACE, f"{SERVER}-api-key", name)


@pytest.mark.usefixtures("custom_kinds")
def test_every_way_in_through_a_gateway_is_accepted_and_clean_afterwards(project: Make) -> None:
    deployed = project(endpoint=GATEWAY, **UNCHECKED)
    outputs = deployed.up()
    assert outputs["externalUrl"] == "https://qwen.example.com"
    wanted = {"Service", "NetworkPolicy", "HTTPRoute", "InferencePool", "ServiceMonitor", "ConfigMap", "ScaledObject"}
    assert wanted <= kinds_of(deployed)
    assert deployed.stack.preview(expect_no_changes=True).change_summary.keys() == {"same"}
    service = deployed.kubectl.get("--namespace", NAMESPACE, "service", f"{SERVER}-service")
    assert service["spec"]["ports"][0]["nodePort"] == 30811


@pytest.mark.usefixtures("custom_kinds")
def test_every_way_in_through_an_ingress_is_accepted_with_a_given_key(project: Make) -> None:
    given = "a-key-that-somebody-gave"
    deployed = project(endpoint=INGRESS, **UNCHECKED)
    deployed.stack.set_config("qwen-infra:endpoint.apiKey.value", ConfigValue(given, secret=True), path=True)
    outputs = deployed.up()
    assert outputs["externalUrl"] == "https://qwen.example.com"
    assert {"Ingress", "PodMonitor", "HorizontalPodAutoscaler"} <= kinds_of(deployed)
    assert key_of(deployed) == given
    assert given not in deployed.state_on_disk()
    deployed.destroy()
    assert NAMESPACE not in {item["metadata"]["name"] for item in deployed.kubectl.items("namespaces")}


def test_a_given_key_that_stands_in_clear_is_refused(project: Make) -> None:
    told = project(endpoint={"apiKey": {"value": "a-key-that-somebody-gave"}}, **UNCHECKED).fail("preview")
    assert "pulumi config set --secret --path 'qwen-infra:endpoint.apiKey.value'" in told
    assert "a-key-that-somebody-gave" not in told


def test_a_kind_that_the_cluster_lacks_is_told_with_the_command_that_installs_it(
    project: Make, custom_kinds: None, cluster: local.LocalCluster
) -> None:
    stopped = project(endpoint={"autoscaling": {"maxReplicas": 2}}, **UNCHECKED)
    stopped.kubectl.run("delete", "crd", "scaledobjects.keda.sh")
    try:
        told = stopped.fail("preview")
    finally:
        local.install_custom_kinds(cluster.name, state_root=cluster.state_folder.parent)
    assert "qwen-infra:endpoint.autoscaling: the cluster has no ScaledObject (keda.sh/v1alpha1)" in told
    assert "kubectl apply --server-side -f https://github.com/kedacore/keda/releases" in told
    assert told.count("error: ") == 1


def test_a_key_is_rotated_while_the_same_pod_serves_and_no_path_is_open_without_one(project: Make) -> None:
    deployed = project(**UNCHECKED)
    deployed.up()
    first, running = key_of(deployed), pods(deployed)
    paths = ("/v1/models", "/metrics", "/tokenize", "/version")
    assert {path: ask(deployed, path) for path in paths} == dict.fromkeys(paths, 401)
    assert (ask(deployed, "/health"), ask(deployed, "/metrics", first)) == (200, 200)

    deployed.configure({"endpoint": {"apiKey": {"rotation": 2}}})
    deployed.up()
    second = key_of(deployed)
    assert second != first
    wait_for(deployed, "/v1/models", second, 200)
    assert ask(deployed, "/v1/models", first) == 200

    deployed.configure({"endpoint": {"apiKey": {"rotation": 2, "keepPrevious": False}}})
    deployed.up()
    assert key_of(deployed) == second
    wait_for(deployed, "/v1/models", first, 401)
    assert ask(deployed, "/v1/models", second) == 200
    assert pods(deployed) == running
    assert deployed.stack.preview(expect_no_changes=True).change_summary.keys() == {"same"}
    assert not any(key in deployed.state_on_disk() for key in (first, second))
