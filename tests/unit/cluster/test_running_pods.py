"""What the scheduler counts of a pod that runs (Kubernetes' pages "Sidecar Containers" and "Pod Overhead")."""

from typing import Any

import pytest

from qwen_infra.cluster import Kubectl
from qwen_infra.cluster.facts import read_nodes


class OnePod(Kubectl):
    """A cluster without nodes, in which one pod runs."""

    def __init__(self, **spec: Any) -> None:
        super().__init__()
        object.__setattr__(self, "spec", {"nodeName": "n", **spec})

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        return [{"metadata": {"namespace": "x"}, "spec": self.spec}] if "pods" in arguments else []  # type: ignore[attr-defined]


def container(cpu: str, **more: Any) -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": cpu}}, **more}


def held(**spec: Any) -> float:
    (pod,) = read_nodes(OnePod(**spec)).pods or ()
    return pod.requests["cpu"]


def test_containers_are_added() -> None:
    assert held(containers=[container("2"), container("500m")]) == pytest.approx(2.5)


def test_the_largest_init_container_counts_where_it_is_more_than_all_containers() -> None:
    assert held(containers=[container("1")], initContainers=[container("3"), container("2")]) == 3


def test_a_sidecar_is_added_to_the_containers_and_to_the_init_containers_after_it() -> None:
    sidecar = container("1", restartPolicy="Always")
    assert held(containers=[container("2")], initContainers=[sidecar]) == 3
    assert held(containers=[container("2")], initContainers=[sidecar, container("4")]) == 5
    assert held(containers=[container("2")], initContainers=[container("4"), sidecar]) == 4


def test_the_overhead_of_a_runtime_comes_on_top() -> None:
    assert held(containers=[container("2")], overhead={"cpu": "250m"}) == pytest.approx(2.25)
