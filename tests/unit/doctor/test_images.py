"""Images against the processors of the nodes, with a registry that says what the test wants."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qwen_infra.cluster.facts import ClusterFacts, Node
from qwen_infra.doctor import images
from qwen_infra.errors import EnvironmentMissingError
from qwen_infra.planning import DeploymentPlan, make_plan
from qwen_infra.registry import ImageReference, ResolvedImage
from qwen_infra.settings import load_stack_file

ROOT = Path(__file__).parents[3]
LABELS = {
    "kubernetes.io/hostname": "gb200-pod2-f06-node05",
    "nvidia.com/gpu.product": "NVIDIA-GB200",
    "kubernetes.io/arch": "arm64",
}
TRAY = ClusterFacts((Node("gb200-pod2-f06-node05", LABELS, {"nvidia.com/gpu": "4"}),))
Registry = Callable[..., list[Any]]


@pytest.fixture(scope="module")
def plan() -> DeploymentPlan:
    return make_plan(load_stack_file(ROOT, "gb200"))


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    def answer(*architectures: str) -> list[Any]:
        asked: list[Any] = []

        def resolve(image: ImageReference, *, credentials: Any) -> ResolvedImage:
            asked.append(credentials)
            if not architectures:
                raise EnvironmentMissingError("the registry gave no usable answer", mend="look at the network")
            return ResolvedImage("sha256:0", architectures)

        monkeypatch.setattr(images, "resolve_image", resolve)
        return asked

    return answer


def test_an_image_for_the_nodes_is_ok(registry: Registry, plan: DeploymentPlan) -> None:
    registry("amd64", "arm64")
    [row] = images.examine_images([plan, plan], TRAY, {})
    assert (row.status, row.found) == ("ok", "for amd64, arm64, as the nodes need (arm64)")


def test_an_image_without_arm64_is_missing_for_gb200(registry: Registry, plan: DeploymentPlan) -> None:
    registry("amd64")
    [row] = images.examine_images([plan], TRAY, {})
    assert (row.status, row.found) == ("missing", "for amd64, but the nodes are arm64")


def test_a_registry_that_does_not_answer_leaves_the_row_unknown(registry: Registry, plan: DeploymentPlan) -> None:
    registry()
    assert [row.status for row in images.examine_images([plan], TRAY, {})] == ["unknown"]


def test_the_account_of_image_pin_is_used(registry: Registry, plan: DeploymentPlan) -> None:
    asked = registry("arm64")
    images.examine_images([plan], TRAY, {"REGISTRY_USER": "u", "REGISTRY_PASSWORD": "p"})
    assert asked == [("u", "p")]
