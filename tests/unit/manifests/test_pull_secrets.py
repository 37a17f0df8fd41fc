"""A private registry: whatever pulls the stack's image does so with the stack's Secrets."""

from typing import Any

import pytest

from qwen_infra.manifests import decide_names, render_objects
from qwen_infra.manifests.benchmark import build_benchmark_job
from qwen_infra.planning import DeploymentPlan, make_plan
from qwen_infra.policy.workloads import find_pods
from qwen_infra.settings import load_settings

TWO_NODES = {
    "model": {"name": "Qwen3.5-397B-A17B", "precision": "bf16"},
    "cache": {"kind": "existingClaim", "claimName": "weights"},
    "server": {"gpu": "H100", "tensorParallelSize": 8, "pipelineParallelSize": 2, "maxModelLen": 8192},
}
ONE_NODE = {
    "model": {"name": "Qwen3.5-4B", "precision": "bf16"},
    "server": {"gpu": "H200", "maxModelLen": 8192},
}


def plan(shape: dict[str, Any], **server: Any) -> DeploymentPlan:
    raw = {
        "cluster": {"identifier": "test"},
        "verification": {"schedule": "0 4 * * *"},
        **shape,
        "server": {**shape["server"], **server},
    }
    return make_plan(load_settings({f"qwen-infra:{key}": value for key, value in raw.items()}), "prod")


def pods(made: DeploymentPlan) -> dict[str, dict[str, Any]]:
    job = build_benchmark_job(made, decide_names(made), ["vllm"], timeout_s=60)
    return {place: dict(spec) for item in [*render_objects(made), job] for place, spec in find_pods(item)}


@pytest.mark.parametrize("shape", [ONE_NODE, TWO_NODES], ids=["one node", "two nodes"])
def test_every_pod_pulls_with_the_secrets_of_the_stack(shape: dict[str, Any]) -> None:
    found = pods(plan(shape, imagePullSecrets=["mirror", "spare"]))
    assert {place.split()[0] for place in found} >= {"Job", "CronJob"}
    without = [
        place
        for place, spec in found.items()
        if spec.get("imagePullSecrets") != [{"name": "mirror"}, {"name": "spare"}]
    ]
    assert without == []


def test_without_private_registries_no_pod_names_a_secret() -> None:
    assert not any("imagePullSecrets" in spec for spec in pods(plan(ONE_NODE)).values())
