"""What is refused before anything is created, and in which words."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qwen_infra.cluster.facts import ClusterFacts, KnownObject, Node
from qwen_infra.errors import ConfigurationError, EnvironmentMissingError, QwenInfraError
from qwen_infra.planning import make_plan
from qwen_infra.preflight import check_preflight
from qwen_infra.settings import EndpointSettings, load_stack_file

PLAN = make_plan(load_stack_file(Path(__file__).parents[3], "gb200"))
LABELS = {"kubernetes.io/hostname": "gb200-pod2-f06-node05"}


def node(gpus: int = 4, product: str = "NVIDIA-GB200") -> Node:
    labels = LABELS | {"nvidia.com/gpu.product": product}
    return Node("gb200-pod2-f06-node05", labels, {"nvidia.com/gpu": str(gpus)})


def facts(*nodes: Node, **changes: Any) -> ClusterFacts:
    return ClusterFacts(nodes=nodes or (node(),), **changes)


def refusal(found: ClusterFacts, plan: Any = PLAN) -> str:
    with pytest.raises(QwenInfraError) as caught:
        check_preflight(plan, found, stack="gb200")
    return str(caught.value)


def test_a_fitting_cluster_is_accepted() -> None:
    check_preflight(PLAN, facts(), stack="gb200")


@pytest.mark.parametrize(
    ("key", "mend"),
    [("revision", "qwen-infra model pin --stack gb200"), ("image", "qwen-infra image pin vllm/vllm-openai:v0.32.0")],
)
def test_a_placeholder_is_refused_where_nodes_are_real_and_taken_where_they_are_simulated(key: str, mend: str) -> None:
    zeros = {
        "revision": replace(PLAN, cache=replace(PLAN.cache, revision="0" * 40)),
        "image": replace(PLAN, server=replace(PLAN.server, image=f"vllm/vllm-openai@sha256:{'0' * 64}")),
    }[key]
    told = refusal(facts(), zeros)
    assert "is a placeholder" in told
    assert mend in told
    check_preflight(zeros, facts(replace(node(), simulated=True)), stack="gb200")


def test_a_placeholder_of_a_registry_with_a_port_is_told_by_its_whole_name() -> None:
    image = f"registry.example:5000/vllm/vllm-openai:v0.33.0@sha256:{'0' * 64}"
    told = refusal(facts(), replace(PLAN, server=replace(PLAN.server, image=image)))
    assert "qwen-infra image pin registry.example:5000/vllm/vllm-openai:v0.33.0 --stack gb200" in told


def test_a_named_node_that_does_not_exist_is_refused() -> None:
    told = refusal(facts(replace(node(), labels={"kubernetes.io/hostname": "other"})))
    assert told.startswith("qwen-infra:server.node: the cluster has no such node (found gb200-pod2-f06-node05")
    assert "one of: other" in told


def test_a_node_with_another_gpu_is_refused() -> None:
    told = refusal(facts(node(product="NVIDIA-H200")))
    assert "found NVIDIA-H200, expected nvidia.com/gpu.product=NVIDIA-GB200" in told


def test_too_few_gpus_on_a_node_are_refused_with_the_command_that_mends_it() -> None:
    told = refusal(facts(node(gpus=2)))
    assert "no node has enough GPUs for tensor parallel size 4 (found at most 2 x nvidia.com/gpu" in told
    assert "pulumi config set --path 'qwen-infra:server.tensorParallelSize' 2" in told


def test_an_empty_cluster_is_refused() -> None:
    assert "the cluster has no node at all" in refusal(ClusterFacts(nodes=()))


def test_a_foreign_namespace_is_not_taken_over() -> None:
    with pytest.raises(ConfigurationError, match=r"createNamespace' false"):
        check_preflight(PLAN, facts(namespace_labels={}), stack="gb200")


def test_our_own_namespace_is_accepted() -> None:
    ours = {"app.kubernetes.io/managed-by": "qwen-infra"}
    check_preflight(PLAN, facts(namespace_labels=ours), stack="gb200")


def test_a_missing_namespace_that_must_exist_is_refused() -> None:
    plan = replace(PLAN, cluster=replace(PLAN.cluster, create_namespace=False))
    assert "kubectl create namespace qwen" in refusal(facts(), plan)


def test_missing_permissions_are_named_by_resource_with_the_question_to_ask() -> None:
    rules = ({"verbs": ["get", "list"], "apiGroups": ["*"], "resources": ["*"]},)
    told = refusal(facts(rules=rules, rules_complete=True))
    assert "these credentials may not: create namespaces, create/patch/delete configmaps, " in told
    assert "create/patch/delete deployments.apps" in told
    assert "kubectl auth can-i create namespaces -n qwen" in told


def test_replicas_need_a_permission_on_disruption_budgets() -> None:
    several = replace(PLAN, server=replace(PLAN.server, replicas=2))
    rules = ({"verbs": ["*"], "apiGroups": ["", "apps", "batch", "networking.k8s.io"], "resources": ["*"]},)
    check_preflight(PLAN, facts(rules=rules, rules_complete=True), stack="gb200")
    told = refusal(facts(rules=rules, rules_complete=True), several)
    assert "may not: create/get/patch/delete poddisruptionbudgets.policy" in told


def test_a_namespace_that_is_there_need_not_be_created() -> None:
    rules = ({"verbs": ["get", "list"], "apiGroups": ["*"], "resources": ["*"]},)
    ours = {"app.kubernetes.io/managed-by": "qwen-infra"}
    assert "create namespaces" not in refusal(facts(rules=rules, rules_complete=True, namespace_labels=ours))


def test_an_incomplete_list_of_permissions_refuses_nothing() -> None:
    check_preflight(PLAN, facts(rules=(), rules_complete=False), stack="gb200")


def test_a_role_for_named_objects_may_be_for_these_and_never_creates() -> None:
    named = {"apiGroups": ["*"], "resources": ["*"], "resourceNames": ["some"]}
    unnamed = {"verbs": ["create", "list"], "apiGroups": ["*"], "resources": ["*"]}
    rules = ({**named, "verbs": ["get", "patch", "delete"]}, unnamed)
    check_preflight(PLAN, facts(rules=rules, rules_complete=True), stack="gb200")
    told = refusal(facts(rules=({**named, "verbs": ["*"]},), rules_complete=True))
    assert "may not: create" in told
    assert "patch" not in told


def with_existing_secret() -> Any:
    secret = replace(PLAN.endpoint, creates_key=False)
    return replace(PLAN, endpoint=secret)


def test_a_missing_secret_is_refused_with_the_command_that_makes_it() -> None:
    with pytest.raises(EnvironmentMissingError, match=r"create secret generic vllm-qwen35-397b-api-key --from-literal"):
        check_preflight(with_existing_secret(), facts(), stack="gb200")


def test_a_secret_without_the_key_is_refused() -> None:
    found = facts(secret_keys={"vllm-qwen35-397b-api-key": frozenset({"token"})})
    assert "found token, expected Secret qwen/vllm-qwen35-397b-api-key with the key api-key" in refusal(
        found, with_existing_secret()
    )


MONITORED = replace(
    PLAN,
    endpoint=replace(
        PLAN.endpoint, settings=EndpointSettings.model_validate({"monitoring": {}, "autoscaling": {"maxReplicas": 2}})
    ),
)
MONITOR, SCALER = ("monitoring.coreos.com/v1", "ServiceMonitor"), ("keda.sh/v1alpha1", "ScaledObject")


def test_missing_kinds_are_refused_with_the_commands_that_install_them() -> None:
    told = refusal(facts(served_kinds=frozenset()), MONITORED)
    assert "no ScaledObject (keda.sh/v1alpha1) and no ServiceMonitor (monitoring.coreos.com/v1)" in told
    assert "keda-2.18.0.yaml && kubectl create -f" in told


def test_served_kinds_are_accepted() -> None:
    check_preflight(MONITORED, facts(served_kinds=frozenset({MONITOR, SCALER})), stack="gb200")


def test_permissions_on_the_kinds_of_the_plan_are_needed() -> None:
    rules = ({"verbs": ["*"], "apiGroups": ["", "apps", "batch"], "resources": ["*"]},)
    told = refusal(facts(rules=rules, rules_complete=True), MONITORED)
    assert "create/get/patch/delete networkpolicies.networking.k8s.io" in told
    assert "create/get/patch/delete scaledobjects.keda.sh" in told


def test_a_claim_that_exists_needs_a_namespace_that_exists() -> None:
    storage = PLAN.cache.storage.model_copy(update={"kind": "existingClaim", "claim_name": "models"})
    told = refusal(facts(), replace(PLAN, cache=replace(PLAN.cache, storage=storage, nodes=())))
    assert "the claim models cannot exist yet: the stack would first create its namespace" in told
    assert "'qwen-infra:cluster.createNamespace' false" in told


def test_a_name_that_another_stack_holds_is_refused_with_a_free_one() -> None:
    taken = {("Deployment", "vllm-qwen35-397b"): KnownObject({"qwen-infra.dev/stack": "blue"})}
    told = refusal(facts(objects=taken))
    assert "a Deployment of this name already, which belongs to stack blue" in told
    assert "'qwen-infra:server.name' vllm-qwen35-397b-gb200" in told


def test_the_stacks_own_objects_are_no_collision() -> None:
    taken = {("Service", "vllm-qwen35-397b-service"): KnownObject({"qwen-infra.dev/stack": "gb200"})}
    check_preflight(PLAN, facts(objects=taken), stack="gb200")


def test_a_namespace_of_another_stack_is_shared_only_when_said_so() -> None:
    labels = {"app.kubernetes.io/managed-by": "qwen-infra", "qwen-infra.dev/stack": "blue"}
    assert "belongs to stack blue" in refusal(facts(namespace_labels=labels))
    shared = replace(PLAN, cluster=replace(PLAN.cluster, create_namespace=False))
    check_preflight(shared, facts(namespace_labels=labels), stack="gb200")
