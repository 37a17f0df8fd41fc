"""A model of the catalogue, of the Hub, or described in the stack file: each becomes a plan, or one message."""

from typing import Any

import pytest

from qwen_infra.catalog import find_model
from qwen_infra.errors import ConfigurationError
from qwen_infra.planning import make_plan
from qwen_infra.settings import load_settings

DENSE = {
    "name": "Mine-7B",
    "repository": "me/mine-7b",
    "kind": "dense",
    "layers": 32,
    "hiddenSize": 4096,
    "vocabularySize": 128000,
    "queryHeads": 32,
    "kvHeads": 8,
    "headDim": 128,
    "intermediateSize": 14336,
    "contextTokens": 32768,
    "checkpointBytes": 16_060_000_000,
}


def plan(model: dict[str, Any], **server: Any) -> Any:
    keys = {"cluster": {"identifier": "test"}, "model": model, "server": {"gpu": "H100", "maxModelLen": 8192, **server}}
    return make_plan(load_settings({f"qwen-infra:{key}": value for key, value in keys.items()}))


def refusal(model: dict[str, Any], **server: Any) -> str:
    with pytest.raises(ConfigurationError) as refused:
        plan(model, **server)
    return str(refused.value)


def test_a_described_model_is_planned_as_any_other() -> None:
    found = plan({"custom": DENSE})
    assert (found.model_name, found.cache.repository) == ("Mine-7B", "me/mine-7b")
    assert found.server.arguments.model_path == "/mine-7b"
    assert found.fit.bytes_per_block == 16 * 2 * 8 * 128 * 2 * 32
    assert found.vocabulary_size == 128000


def test_a_described_model_that_does_not_fit_is_refused() -> None:
    assert "does not fit" in refusal({"custom": DENSE}, gpu="L4", maxModelLen=32768)


def test_missing_fields_of_a_description_are_named_together() -> None:
    lacking = {key: value for key, value in DENSE.items() if key not in {"kvHeads", "headDim"}}
    assert "a dense model needs more fields: kvHeads, headDim" in refusal({"custom": lacking})


def test_a_misspelt_field_is_told_with_the_nearest() -> None:
    told = refusal({"custom": {**DENSE, "kvHead": 8}})
    assert "qwen-infra:model.custom.kvHead: there is no such key, did you mean kvHeads?" in told


def test_a_context_above_the_described_one_is_refused() -> None:
    assert "takes at most 32768 tokens" in refusal({"custom": DENSE}, maxModelLen=65536)


def test_a_model_of_the_hub_is_derived_from_its_files(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def fetch(repository: str, **options: Any) -> Any:
        asked.append((repository, options["revision"]))
        return find_model("Qwen3.5-4B")

    monkeypatch.setattr("qwen_infra.catalog.hub.fetch_model", fetch)
    assert plan({"hub": "Qwen/Qwen3.5-4B", "revision": "abc"}).model_name == "Qwen3.5-4B"
    assert set(asked) == {("Qwen/Qwen3.5-4B", "abc")}


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ({"precision": "bf16"}, "qwen-infra:model.name: this key is required and missing"),
        ({"name": "Qwen3.5-4B"}, "qwen-infra:model.precision: this key is required and missing"),
        ({"name": "Qwen3.5-4B", "precision": "bf16", "hub": "a/b"}, "give one of them"),
        ({"hub": "a/b", "precision": "fp8"}, "precision goes with name"),
        ({"hub": "no-slash"}, "qwen-infra:model.hub: String should match pattern"),
        ({"custom": {**DENSE, "layers": 0}}, "qwen-infra:model.custom.layers: Input should be greater than 0"),
    ],
)
def test_a_model_said_wrongly_is_one_message(model: dict[str, Any], told: str) -> None:
    assert told in refusal(model)
