"""One number, the start-up budget, and every timeout that follows from it."""

from typing import Any

import pytest

from qwen_infra.manifests import decide_names
from qwen_infra.manifests.server import build_deployment
from qwen_infra.planning import DeploymentPlan, make_plan
from qwen_infra.planning.prediction import describe_prediction
from qwen_infra.settings import load_settings


def plan(cache: dict[str, Any] | None = None, **server: Any) -> DeploymentPlan:
    keys = {
        "cluster": {"identifier": "test"},
        "model": {"name": "Qwen3.5-397B-A17B", "precision": "gptq-int4"},
        "cache": cache or {},
        "server": {"gpu": "GB200", "tensorParallelSize": 4, **server},
    }
    return make_plan(load_settings({f"qwen-infra:{key}": value for key, value in keys.items()}))


def timeouts_of(found: DeploymentPlan) -> dict[str, int]:
    """Each timeout as it stands in the Deployment [s]."""
    spec = build_deployment(found, decide_names(found))["spec"]
    container = spec["template"]["spec"]["containers"][0]
    probe = container["startupProbe"]
    variables = {item["name"]: item.get("value") for item in container["env"]}
    return {
        "startup probe": probe["periodSeconds"] * probe["failureThreshold"],
        "engine": int(variables["VLLM_ENGINE_READY_TIMEOUT_S"]),
        "progress deadline": spec["progressDeadlineSeconds"],
    }


def test_every_timeout_of_the_deployment_follows_from_the_budget() -> None:
    found = plan()
    budget = found.server.start.budget
    assert timeouts_of(found) == {
        "startup probe": budget.total_s,
        "engine": budget.total_s,
        "progress deadline": budget.total_s + 600,
    }


def test_the_rollout_waits_for_the_images_pull_too_so_that_the_probe_decides_first() -> None:
    found = timeouts_of(plan())
    assert found["progress deadline"] > found["startup probe"]


def test_a_given_timeout_is_the_whole_wait() -> None:
    assert set(timeouts_of(plan(readyTimeoutSeconds=1000)).values()) == {1000}


def test_network_storage_and_its_measured_speed_change_the_budget() -> None:
    claim = {"kind": "existingClaim", "claimName": "weights"}
    disk, network = plan(), plan(claim)
    fast = plan(claim | {"readGigabytesPerSecond": 8})
    assert fast.server.start.container_s < disk.server.start.container_s < network.server.start.container_s
    assert fast.server.start.budget.read_s == pytest.approx(235_657_499_488 / 8e9)


def test_the_prediction_that_a_stack_puts_out_is_whole() -> None:
    found = plan()
    told = describe_prediction(found.fit, found.server.start)
    assert told["startup_budget_s"] == found.server.start.container_s
    assert told["rollout_timeout_s"] == found.server.start.rollout_s
    assert sum(told["startup_parts_s"].values()) <= told["startup_budget_s"]
    assert sum(told["reserve_parts_gib"].values()) == pytest.approx(told["reserve_gib"], abs=0.002)
    used = told["weights_gib"] + told["reserve_gib"] + told["kv_cache_gib"]
    assert used <= told["requested_gib"] <= told["usable_gib"]
    assert told.keys() >= {"num_blocks", "max_concurrency", "max_num_seqs", "block_size_tokens", "state_gib"}
