"""Profiles of environments, and several models in one stack."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_infra.errors import ConfigurationError
from qwen_infra.settings import ENVIRONMENTS, load_deployments, load_settings
from qwen_infra.settings.layers import contains, merge, merge_all

SMALL: dict[str, Any] = {
    "cluster": {"identifier": "test"},
    "model": {"name": "Qwen3.5-4B", "precision": "bf16"},
    "server": {"gpu": "GB200", "maxModelLen": 32768},
}
TWO: dict[str, Any] = {
    "cluster": {"identifier": "test"},
    "server": {"gpu": "H200", "maxModelLen": 32768},
    "models": {
        "dense": {"model": {"name": "Qwen3.5-27B", "precision": "fp8"}},
        "moe": {"model": {"name": "Qwen3.5-35B-A3B", "precision": "bf16"}, "server": {"tensorParallelSize": 2}},
    },
}


def config(values: dict[str, Any]) -> dict[str, Any]:
    return {f"qwen-infra:{key}": value for key, value in values.items()}


def message(values: dict[str, Any]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_deployments(config(values))
    return str(caught.value)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_profile_lies_under_a_stack_file(environment: str) -> None:
    found = load_settings(config({**SMALL, "environment": environment}))
    assert (found.environment, found.model.name) == (environment, "Qwen3.5-4B")


def test_prod_protects_pins_verifies_and_enforces() -> None:
    found = load_settings(config({**SMALL, "environment": "prod"}))
    assert found.operations.protect
    assert found.operations.require_pinned
    assert found.operations.require_verification
    assert found.policy.level == "mandatory"


def test_the_stack_file_wins_over_its_profile_key_by_key() -> None:
    found = load_settings(config({**SMALL, "environment": "prod", "operations": {"protect": False}}))
    assert (found.operations.protect, found.operations.require_pinned) == (False, True)


def test_an_unknown_environment_is_told() -> None:
    told = message({**SMALL, "environment": "production"})
    assert "qwen-infra:environment: there is no such environment" in told
    assert "one of: dev, staging, prod" in told


def test_models_share_the_keys_that_they_do_not_say_themselves() -> None:
    dense, moe = load_deployments(config(TWO))
    assert (dense.server.gpu, dense.server.tensor_parallel_size) == ("H200", 1)
    assert (moe.server.gpu, moe.server.tensor_parallel_size) == ("H200", 2)
    assert dense.cluster == moe.cluster


def test_a_model_is_named_after_its_key() -> None:
    assert [item.server.name for item in load_deployments(config(TWO))] == ["vllm-dense", "vllm-moe"]


def test_a_mistake_of_one_model_is_told_with_its_own_key() -> None:
    models = {**TWO["models"], "moe": {**TWO["models"]["moe"], "server": {"tensorParalelSize": 2}}}
    told = message({**TWO, "models": models})
    assert "qwen-infra:models.moe.server.tensorParalelSize: there is no such key" in told


def test_a_shared_mistake_is_told_once_with_the_shared_key() -> None:
    told = message({**TWO, "server": {"gpu": "H200", "replicas": "two"}})
    assert told.count("qwen-infra:server.replicas: Input should be a valid integer") == 1
    assert "models." not in told


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ({}, "qwen-infra:models: this must map a short name of each model to its keys"),
        ([], "qwen-infra:models: this must map a short name of each model to its keys"),
        ({"Dense": {}}, "the name of a model must be a DNS label (found Dense"),
        ({"dense": None}, "qwen-infra:models.dense: this must be a map of keys"),
        ({"dense": {"cluster": {}}}, "qwen-infra:models.dense.cluster: this key holds for the whole stack"),
    ],
)
def test_a_wrong_form_of_models_is_told(models: Any, expected: str) -> None:
    assert expected in message({**TWO, "models": models})


def test_a_command_for_one_model_says_that_the_stack_has_several() -> None:
    with pytest.raises(ConfigurationError, match="vllm-dense, vllm-moe"):
        load_settings(config(TWO))


plain = st.recursive(
    st.none() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2),
    lambda values: st.dictionaries(st.text("ab", min_size=1, max_size=2), values, max_size=3),
    max_leaves=8,
)
maps = st.dictionaries(st.text("ab", min_size=1, max_size=2), plain, max_size=3)


@settings(deadline=None)
@given(maps, maps)
def test_whatever_the_upper_layer_says_holds(below: dict[str, Any], above: dict[str, Any]) -> None:
    merged = merge(below, above)
    assert merged.keys() == below.keys() | above.keys()
    for key, value in above.items():
        both_maps = isinstance(value, dict) and isinstance(below.get(key), dict)
        assert merged[key] == (merge(below[key], value) if both_maps else value)


@settings(deadline=None)
@given(maps, maps)
def test_merging_changes_neither_layer_and_an_empty_one_nothing(below: dict[str, Any], above: dict[str, Any]) -> None:
    copies = repr((below, above))
    assert merge_all((below, above, {})) == merge(below, above)
    assert repr((below, above)) == copies


@settings(deadline=None)
@given(maps)
def test_a_layer_contains_each_of_its_own_paths(layer: dict[str, Any]) -> None:
    assert all(contains(layer, [key]) for key in layer)
    assert not contains(layer, ["ccc"])
