"""A server on a node's processor: no GPU anywhere in its pod, memory from the pod's limit, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from qwen_infra.cluster.facts import ClusterFacts, Node, Taint
from qwen_infra.errors import ConfigurationError, QwenInfraError
from qwen_infra.manifests import render_objects
from qwen_infra.planning import DeploymentPlan, make_plan, summarise_plan
from qwen_infra.policy.registry import RULES
from qwen_infra.policy.rule import Context
from qwen_infra.preflight import check_preflight
from qwen_infra.settings import load_settings, load_stack_file

ROOT = Path(__file__).parents[3]
LAPTOP = Node("laptop", {"kubernetes.io/hostname": "laptop"}, {"cpu": "7910m", "memory": "15Gi"})


def plan(cache: dict[str, Any] | None = None, **server: Any) -> DeploymentPlan:
    raw = {
        "cluster": {"identifier": "test"},
        "model": {"name": "Qwen3.5-0.8B", "precision": "bf16"},
        "cache": cache or {"kind": "pvc"},
        "server": {"gpu": "CPU", "maxModelLen": 32768, **server},
    }
    return make_plan(load_settings({f"qwen-infra:{key}": value for key, value in raw.items()}))


def refusal(**server: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        plan(**server)
    return str(caught.value)


def pod() -> dict[str, Any]:
    objects = render_objects(make_plan(load_stack_file(ROOT, "cpu-dev")))
    (deployment,) = [item for item in objects if item["kind"] == "Deployment"]
    found: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return found


def test_the_pod_asks_for_processors_and_memory_only_and_runs_anywhere() -> None:
    (container,) = pod()["containers"]
    assert container["resources"] == {
        "requests": {"cpu": "2", "memory": "9Gi"},
        "limits": {"cpu": "4", "memory": "9Gi"},
    }
    assert pod()["tolerations"] == []
    assert not {"nodeSelector", "affinity"} & pod().keys()
    assert container["image"] == "vllm/vllm-openai-cpu:v0.32.0"


def test_the_cache_has_a_size_of_its_own_instead_of_a_share_of_the_memory() -> None:
    made = plan()
    words = made.server.arguments.command()
    assert words[words.index("--kv-cache-memory-bytes") + 1] == str(made.fit.num_blocks * made.fit.bytes_per_block)
    assert "--gpu-memory-utilization" not in words


def test_blocks_are_as_the_processors_backend_makes_them() -> None:
    made = plan()
    assert made.fit.block_size_tokens == 640  # as a real vLLM said for this model's shape
    assert made.fit.bytes_per_block == 7864320


def test_weights_cache_and_everything_else_stay_within_the_pods_limit() -> None:
    fit = plan(resources={"memoryLimit": "12Gi", "sharedMemory": "1Gi"}).fit
    assert fit.request.gpu.usable_memory_gib == 11
    assert fit.weights_bytes + fit.reserve.total_bytes + fit.kv_cache_bytes <= fit.requested_bytes < 11 * 2**30


@pytest.mark.parametrize(("text_only", "cache_gib", "peak_gib"), [(True, 1.0, 5.42), (False, 2.0, 6.78)])
def test_the_prediction_is_not_below_what_a_real_vllm_took(text_only: bool, cache_gib: float, peak_gib: float) -> None:
    fit = plan(textOnly=text_only, maxNumSeqs=16, enforceEager=True).fit
    predicted = fit.weights_gib + fit.reserve_gib + cache_gib
    assert peak_gib <= predicted <= peak_gib + 0.5


def test_threads_are_as_many_as_the_pod_may_use_and_bound_to_no_core() -> None:
    environment = plan(resources={"cpuLimit": "3500m"}).server.environment
    assert environment["OMP_NUM_THREADS"] == "3"
    assert environment["VLLM_CPU_OMP_THREADS_BIND"] == "nobind"


def test_too_little_memory_is_refused_at_preview() -> None:
    told = refusal(resources={"memoryLimit": "6Gi"})
    assert "leave no room for the cache in 4.6 GiB of the pod" in told
    assert "pulumi config set --path qwen-infra:server.resources.memoryLimit 8Gi" in told


def test_the_memory_that_is_given_is_all_reserved() -> None:
    resources = plan(resources={"memoryLimit": "12Gi"}).server.resources
    assert (resources.memory_request, resources.memory_limit) == ("12Gi", "12Gi")


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("tensorParallelSize", 2, "qwen-infra:server.tensorParallelSize: vLLM splits a model on processors only over"),
        ("kvOffloadingGib", 4, "qwen-infra:server.kvOffloadingGib: the cache is in the node's memory already"),
        ("kvCacheDtype", "nvfp4", "qwen-infra:server.kvCacheDtype: a CPU has no NVFP4 KV cache"),
        ("quantization", "moe_wna16", "qwen-infra:server.quantization: a CPU serves BF16 checkpoints"),
        ("nodes", 2, "qwen-infra:server.nodes: 1 ranks"),
    ],
)
def test_what_the_processors_backend_has_not_is_refused_in_one_line(key: str, value: Any, told: str) -> None:
    assert refusal(**{key: value}).startswith(told)
    assert "\n" not in refusal(**{key: value})


def test_a_checkpoint_that_needs_kernels_of_gpus_is_refused_with_the_one_that_runs() -> None:
    raw = {
        "cluster": {"identifier": "t"},
        "model": {"name": "Qwen3.5-27B", "precision": "fp8"},
        "server": {"gpu": "CPU"},
    }
    with pytest.raises(ConfigurationError, match="a CPU cannot run fp8") as caught:
        make_plan(load_settings({f"qwen-infra:{key}": value for key, value in raw.items()}))
    assert "bf16" in str(caught.value)


def test_every_mandatory_rule_holds_for_a_server_without_gpus() -> None:
    made = plan()
    broken = [
        (rule.name, str(violation))
        for rule in RULES
        if rule.name in {"gpu-count", "gpu-requests", "resources", "shared-memory", "tensor-parallel-size"}
        for manifest in render_objects(made)
        for violation in rule.check(manifest, Context())
    ]
    assert broken == []


def test_the_summary_for_reviewers_counts_no_gpu() -> None:
    summary = summarise_plan(plan())
    assert (summary["gpu"], summary["gpus_per_replica"]) == ("CPU", 0)


def test_any_node_with_room_is_accepted() -> None:
    check_preflight(plan(), ClusterFacts((LAPTOP,)), stack="x")


@pytest.mark.parametrize(
    ("node", "told"),
    [
        (Node("small", {}, {"cpu": "8", "memory": "8Gi"}), "no node has enough memory for a pod of vllm-qwen35-08b"),
        (Node("slow", {}, {"cpu": "1", "memory": "64Gi"}), "no node has enough processors"),
        (
            Node("control", {}, {"cpu": "8", "memory": "64Gi"}, taints=(Taint("only-us", None, "NoSchedule"),)),
            "has a taint that its pods do not accept (found only-us:NoSchedule). To mend it: pulumi config set --path "
            "'qwen-infra:server.tolerations[0].key' only-us",
        ),
    ],
)
def test_a_node_without_room_is_refused_with_what_is_short(node: Node, told: str) -> None:
    with pytest.raises(QwenInfraError) as caught:
        check_preflight(plan(), ClusterFacts((node,)), stack="x")
    assert told in str(caught.value)
