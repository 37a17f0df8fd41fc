"""Which image runs, and as whom."""

from typing import Any

import pytest

from qwen_infra.errors import ConfigurationError
from qwen_infra.planning import DeploymentPlan, make_plan
from qwen_infra.settings import load_settings

DIGEST = f"sha256:{'a' * 64}"


def plan(gpu: str = "H200", **server: Any) -> DeploymentPlan:
    raw = {
        "cluster": {"identifier": "test"},
        "model": {"name": "Qwen3.5-4B", "precision": "bf16"},
        "server": {"gpu": gpu, "maxModelLen": 32768, **server},
    }
    return make_plan(load_settings({f"qwen-infra:{key}": value for key, value in raw.items()}))


@pytest.mark.parametrize("tag", [":latest", ":nightly", ":cu130-nightly", ":main", ""])
def test_a_tag_that_others_move_is_refused_unless_allowed(tag: str) -> None:
    with pytest.raises(ConfigurationError, match="this tag is moved by others"):
        plan(image=f"vllm/vllm-openai{tag}")
    assert plan(image=f"vllm/vllm-openai{tag}", allowMovingImage=True).server.image == f"vllm/vllm-openai{tag}"


def test_a_versions_tag_is_a_warning_with_the_command_that_pins_it() -> None:
    assert any("qwen-infra image pin vllm/vllm-openai:v0.32.0" in warning for warning in plan().warnings)


def test_a_digest_is_no_warning() -> None:
    assert plan(image=f"vllm/vllm-openai:v0.32.0@{DIGEST}").warnings == ()


def test_amd_gets_vllms_image_for_it_and_its_own_user() -> None:
    made = plan(gpu="MI300X")
    assert (made.server.image, made.server.user) == ("vllm/vllm-openai-rocm:v0.32.0", None)


def test_the_cuda_image_runs_as_its_own_user() -> None:
    assert plan().server.user == 2000
    assert plan(image=f"mirror.example/vllm/vllm-openai@{DIGEST}").server.user == 2000


def test_another_image_runs_as_it_was_built_unless_a_user_is_given() -> None:
    assert plan(image=f"ours/server@{DIGEST}").server.user is None
    assert plan(image=f"ours/server@{DIGEST}", runAsUser=1000).server.user == 1000
