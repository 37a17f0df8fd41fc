"""What a pod that finds no node lacks, node by node."""

from typing import Any

from qwen_infra.cluster.facts import ClusterFacts, Node, RunningPod
from qwen_infra.cluster.shortage import describe_shortage

GPU = "nvidia.com/gpu"
LABEL = "nvidia.com/gpu.product"


def node(name: str, product: str = "H100", gpus: str = "8", memory: str = "1024Gi", **more: Any) -> Node:
    return Node(name, {LABEL: product}, {GPU: gpus, "memory": memory}, **more)


def pod(gpus: str = "8", memory: str = "512Gi") -> dict[str, Any]:
    rule = {"matchExpressions": [{"key": LABEL, "operator": "In", "values": ["H100"]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [rule]}}
    container = {"resources": {"requests": {GPU: gpus, "memory": memory}}}
    return {"spec": {"containers": [container], "affinity": {"nodeAffinity": required}}}


def holds(on: str, gpus: float = 0, memory: float = 0) -> RunningPod:
    return RunningPod("other", on, "app", {GPU: gpus, "memory": memory})


def test_the_resource_that_is_short_is_told_with_what_is_free_on_each_node():
    facts = ClusterFacts((node("a"), node("b"), node("other", product="GB200")), pods=(holds("a", 8), holds("b", 5)))
    assert describe_shortage(pod(), facts) == f"{GPU} is short: it asks for 8, free are 0 of 8 on a, 3 of 8 on b"


def test_memory_is_told_in_gib():
    facts = ClusterFacts((node("a"),), pods=(holds("a", memory=600 << 30),))
    assert describe_shortage(pod(), facts) == (
        "memory is short: it asks for 512 GiB, free are 424 GiB of 1024 GiB on a"
    )


def test_of_many_nodes_the_first_are_named_and_the_others_counted():
    names = [f"n{number}" for number in range(7)]
    facts = ClusterFacts(tuple(map(node, names)), pods=tuple(holds(name, 8) for name in names))
    told = describe_shortage(pod(), facts)
    assert told is not None
    assert told.endswith("0 of 8 on n3, and no more on 3 other nodes")


def test_nothing_is_said_where_something_else_keeps_the_pod_away():
    assert describe_shortage(pod(), ClusterFacts((node("a"),), pods=())) is None
    assert describe_shortage(pod(), ClusterFacts((node("a", product="GB200"),), pods=())) is None
    assert describe_shortage(pod(), ClusterFacts((node("a", schedulable=False),), pods=())) is None
    assert describe_shortage(pod(), ClusterFacts((node("a", gpus="0"),), pods=None)) is None
