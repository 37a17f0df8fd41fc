"""Several models in one stack side by side, and what ``operations`` demands."""

from typing import Any

import pytest

from qwen_infra.errors import ConfigurationError
from qwen_infra.manifests import render_stack
from qwen_infra.planning import make_plans, summarise_plan
from qwen_infra.settings import load_deployments
from tests.unit.settings.test_several_models import SMALL, TWO, config

COMMIT = "0123456789abcdef0123456789abcdef01234567"
IMAGE = f"vllm/vllm-openai@sha256:{'0' * 64}"


def plans(values: dict[str, Any]) -> Any:
    return make_plans(load_deployments(config(values)))


def prod(**changes: Any) -> dict[str, Any]:
    values = {
        "environment": "prod",
        "cluster": SMALL["cluster"],
        "model": {**SMALL["model"], "revision": COMMIT},
        "server": {**SMALL["server"], "image": IMAGE},
    }
    return values | changes


def test_two_models_of_a_stack_share_nothing_but_the_namespace() -> None:
    objects = render_stack(plans(TWO))
    names = [(item["kind"], item["metadata"]["name"]) for item in objects]
    assert len(set(names)) == len(names)
    assert [kind for kind, _ in names].count("Namespace") == 1
    assert [kind for kind, _ in names].count("Deployment") == 2


@pytest.mark.parametrize(
    ("shared", "key"),
    [
        ({"server": {**TWO["server"], "name": "vllm-x"}}, "server.name"),
        ({"endpoint": {"serviceName": "front"}}, "endpoint.serviceName"),
        ({"endpoint": {"url": "http://one:8000"}}, "endpoint.url"),
    ],
)
def test_a_shared_name_is_refused(shared: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"qwen-infra:{key}: two models of the stack would have the same"):
        plans({**TWO, **shared})


def test_prod_accepts_what_is_pinned_and_verified() -> None:
    (plan,) = plans(prod())
    assert (plan.environment, plan.server.replicas) == ("prod", 2)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"model": SMALL["model"]}, "qwen-infra:model.revision: the revision must be a commit in environment prod"),
        ({"server": SMALL["server"]}, "mend it: qwen-infra image pin vllm/vllm-openai:"),
        ({"verification": {"level": "off"}}, "qwen-infra:verification.level: the verification may not be off"),
    ],
)
def test_prod_refuses_what_may_change_by_itself_or_is_unproven(changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        plans(prod(**changes))
    assert expected in str(caught.value)


def test_a_summary_is_the_same_for_the_same_stack_file() -> None:
    (first,), (second,) = plans(SMALL), plans(SMALL)
    assert summarise_plan(first) == summarise_plan(second)
