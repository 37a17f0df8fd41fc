"""The server's pod: who it runs as, where, and what a drain may do."""

from typing import Any

from qwen_infra.manifests import build_deployment, decide_names
from qwen_infra.manifests.disruption import build_disruption_budget
from qwen_infra.planning import DeploymentPlan, make_plan
from qwen_infra.settings import load_settings


def plan(cache: dict[str, Any] | None = None, **server: Any) -> DeploymentPlan:
    raw: dict[str, Any] = {
        "cluster": {"identifier": "test"},
        "model": {"name": "Qwen3.5-4B", "precision": "bf16"},
        "cache": cache or {},
        "server": {"gpu": "H200", "maxModelLen": 32768, **server},
    }
    return make_plan(load_settings({f"qwen-infra:{key}": value for key, value in raw.items()}))


def spec(made: DeploymentPlan) -> dict[str, Any]:
    found: dict[str, Any] = build_deployment(made, decide_names(made))["spec"]["template"]["spec"]
    return found


def test_the_server_is_not_root_and_has_no_privileges() -> None:
    pod = spec(plan())
    assert pod["securityContext"] == {
        "seccompProfile": {"type": "RuntimeDefault"},
        "runAsUser": 2000,
        "runAsNonRoot": True,
    }
    container = pod["containers"][0]["securityContext"]
    assert container == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)


def test_a_claims_files_are_readable_for_the_servers_user() -> None:
    made = plan(cache={"kind": "existingClaim", "claimName": "weights"})
    assert spec(made)["securityContext"]["fsGroup"] == 2000


def test_scaling_changes_nothing_in_the_pod_that_serves() -> None:
    assert spec(plan()) == spec(plan(replicas=2))


def test_one_replica_has_no_budget_that_would_block_every_drain() -> None:
    made = plan()
    assert build_disruption_budget(made, decide_names(made)) is None


def test_replicas_spread_over_nodes_and_are_drained_one_at_a_time() -> None:
    made = plan(replicas=3)
    (spread,) = spec(made)["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"
    budget = build_disruption_budget(made, decide_names(made))
    assert budget is not None
    assert budget["spec"] == {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "vllm-qwen35-4b"}}}


def test_priority_private_registries_and_taints_reach_the_pod() -> None:
    taints = [{"key": "team", "value": "ai", "effect": "NoSchedule"}, {"key": "gpu-only"}]
    pod = spec(plan(priorityClassName="serving", imagePullSecrets=["mirror"], tolerations=taints))
    assert pod["priorityClassName"] == "serving"
    assert pod["imagePullSecrets"] == [{"name": "mirror"}]
    assert pod["tolerations"][1:] == [
        {"key": "team", "operator": "Equal", "value": "ai", "effect": "NoSchedule"},
        {"key": "gpu-only", "operator": "Exists"},
    ]


def test_a_stop_has_time_for_the_longest_answer() -> None:
    pod = spec(plan(longestAnswerTokens=32768))
    sleep = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert sleep < 968 < pod["terminationGracePeriodSeconds"]
