"""Which tags are moved by their publisher."""

import pytest

from qwen_infra.moving_tags import has_moving_tag

DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    "tag",
    ["", ":latest", ":nightly", ":cu130-nightly", ":nightly-abc", ":latest-arm64", ":main", ":master", ":edge", ":dev"],
)
def test_these_move(tag: str) -> None:
    assert has_moving_tag(f"registry.example:5000/vllm/vllm-openai{tag}")


@pytest.mark.parametrize("tag", [":v0.32.0", ":1.2-develop", ":maintained", f"@{DIGEST}", f":latest@{DIGEST}"])
def test_these_stay(tag: str) -> None:
    assert not has_moving_tag(f"registry.example:5000/vllm/vllm-openai{tag}")
