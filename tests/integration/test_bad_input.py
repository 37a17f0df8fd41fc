"""Each mistake gives one clear message, no traceback, and nothing half-done; mended, the next `up` works."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from qwen_infra import local
from qwen_infra.local.ports import find_free_ports
from tests.integration.harness import SMALL, Project, limited_kubeconfig

Make = Callable[..., Project]


def assert_one_clear_error(told: str) -> None:
    assert "Traceback" not in told
    assert told.count("error: ") == 1, told


def created(project: Project) -> list[str]:
    """Kubernetes objects in the stack's state."""
    resources = json.loads(project.state()).get("resources") or []
    return [item["type"] for item in resources if item["type"].startswith("kubernetes:")]


def server(**changes: Any) -> dict[str, Any]:
    return {**SMALL["server"], **changes}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"serverr": {}}, "qwen-infra:serverr: there is no such key, did you mean server?"),
        ({"model": {"name": "Qwen3.5-4B"}}, "qwen-infra:model.precision: this key is required and missing"),
        ({"server": server(replicas="two")}, "qwen-infra:server.replicas: Input should be a valid integer"),
        ({"model": {"name": "Qwen3.5-40B", "precision": "bf16"}}, "Qwen3.5-4B"),
        ({"cluster": {**SMALL["cluster"], "context": "nowhere"}}, "the kubeconfig has no such context (found nowhere"),
        ({"server": server(node="elsewhere")}, "qwen-infra:server.node: the cluster has no such node"),
        ({"server": server(tensorParallelSize=8)}, "no node has enough GPUs for tensor parallel size 8"),
        ({"server": server(gpu="H200")}, "expected nvidia.com/gpu.product=NVIDIA-H200"),
        ({"endpoint": {"apiKey": {"secretName": "mine"}}}, "expected Secret qwen-test/mine with the key api-key"),
        ({"benchmark": {"workload": "refrence"}}, "did you mean reference?"),
    ],
)
def test_a_mistake_stops_the_preview_with_one_message(project: Make, changes: dict[str, Any], expected: str) -> None:
    told = project(**changes).fail("preview")
    assert expected in told
    assert_one_clear_error(told)


def test_an_unreachable_cluster_is_told_and_nothing_is_created(project: Make, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "dead"
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": {"server": f"https://127.0.0.1:{find_free_ports(1)[0]}"}}],
                "users": [{"name": "u", "user": {}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    stopped = project(cluster={**SMALL["cluster"], "kubeconfig": str(kubeconfig)})
    told = stopped.fail("up")
    assert "the cluster cannot be reached" in told
    assert "cluster-info` must answer first" in told
    assert_one_clear_error(told)
    assert created(stopped) == []


def test_a_missing_permission_is_told_with_its_verb_and_resource(project: Make, tmp_path: Path) -> None:
    stopped = project()
    kubeconfig = limited_kubeconfig(stopped, tmp_path, "looker")
    stopped.configure({"cluster": {**SMALL["cluster"], "kubeconfig": str(kubeconfig)}})
    told = stopped.fail("preview")
    assert "these credentials may not: " in told
    for resource in ("deployments.apps", "networkpolicies.networking.k8s.io", "jobs.batch", "secrets"):
        assert f"create/get/patch/delete {resource}" in told
    assert_one_clear_error(told)


def test_a_wrong_key_fails_the_verification_and_names_the_secret(project: Make) -> None:
    port = find_free_ports(1)[0]
    command = [sys.executable, "-m", "qwen_infra.simulator", "--port", str(port), "--served-model-name", "qwen3.5"]
    with subprocess.Popen([*command, "--profile", "instant"], env={"VLLM_API_KEY": "another"}) as process:
        try:
            told = project(endpoint={"url": f"http://127.0.0.1:{port}"}).fail()
        finally:
            process.terminate()
    assert "verification failed" in told
    assert "401" in told
    assert_one_clear_error(told)


def test_a_server_that_never_answers_is_told_within_its_budget_and_works_once_mended(project: Make) -> None:
    stuck = project(server=server(readyTimeoutSeconds=10), benchmark={"workload": "off"})
    root = stuck.cluster.state_folder.parent
    local.set_faults(stuck.cluster.name, ["dead-engine"], state_root=root)
    told = stuck.fail()
    assert "Deployment qwen-test/vllm-qwen35-4b" in told
    assert "not ready within 10 s" in told
    assert_one_clear_error(told)
    local.set_faults(stuck.cluster.name, [], state_root=root)
    assert stuck.up()["verification"].startswith("verification passed")


def test_gpus_that_others_hold_are_told_in_the_schedulers_words(project: Make) -> None:
    holder = project(
        cluster={"identifier": "test", "namespace": "qwen-holder"},
        server=server(tensorParallelSize=4, name="holder"),
        verification={"level": "off"},
        benchmark={"workload": "off"},
    )
    holder.up()
    told = project(server=server(tensorParallelSize=2)).fail()
    assert "cannot be scheduled" in told
    assert "Insufficient nvidia.com/gpu" in told
    assert_one_clear_error(told)


def test_a_namespace_of_somebody_else_is_not_taken_over(project: Make) -> None:
    stopped = project(cluster={"identifier": "test", "namespace": "default"})
    told = stopped.fail("preview")
    assert "qwen-infra:cluster.namespace" in told
    assert "createNamespace' false" in told
    assert_one_clear_error(told)
