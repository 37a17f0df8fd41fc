"""The ranking: the reference's advice comes out, everything in it fits, and bad input is refused."""

from typing import Any

import pytest

from qwen_infra.catalog import find_gpu, gpus
from qwen_infra.errors import ConfigurationError
from qwen_infra.sizing import PURPOSES, RecommendRequest, UnknownPurposeError, recommend

JSON_KEYS = {
    "model",
    "precision",
    "repository",
    "tensor_parallel_size",
    "max_model_len",
    "max_concurrency",
    "scores",
}


def ask(**changes):
    request: dict[str, Any] = {"gpu": find_gpu("GB200"), "gpus": 4} | changes
    return recommend(RecommendRequest(**request))


@pytest.mark.parametrize(
    ("purpose", "model"),
    [
        ("agent", "Qwen3.5-35B-A3B"),
        ("chinese", "Qwen3.5-397B-A17B"),
        ("general", "Qwen3.5-397B-A17B"),
        ("coding", "Qwen3.5-397B-A17B"),
        ("multimodal", "Qwen3.5-397B-A17B"),
        ("long-context", "Qwen3.5-397B-A17B"),
    ],
)
def test_on_the_reference_machine_the_best_score_of_the_reference_leads(purpose, model):
    assert ask(purpose=purpose)[0].model.name == model


def test_on_one_small_gpu_the_best_code_comes_from_what_fits():
    choices = ask(gpu=find_gpu("H100"), gpus=1, purpose="coding")
    assert choices[0].model.name in {"Qwen3.5-27B", "Qwen3.5-122B-A10B"}


@pytest.mark.parametrize("purpose", PURPOSES)
def test_models_without_a_score_come_after_those_with_one(purpose):
    scored = [choice.score is not None for choice in ask(purpose=purpose)]
    assert scored == sorted(scored, reverse=True)


@pytest.mark.parametrize("gpu", gpus(), ids=lambda gpu: gpu.name)
@pytest.mark.parametrize("count", [1, 2, 8])
def test_every_choice_fits_in_the_gpus_that_there_are(gpu, count):
    for choice in recommend(RecommendRequest(gpu, count)):
        assert choice.fit.fits
        assert choice.replicas * choice.fit.request.tensor_parallel_size <= count
        assert choice.fit.request.tensor_parallel_size <= gpu.gpus_per_node
        assert choice.precision in gpu.precisions


def test_each_model_appears_once_and_base_models_never():
    names = [choice.model.name for choice in ask()]
    assert len(names) == len(set(names))
    assert not any(choice.model.is_base for choice in ask())


def test_every_choice_has_the_promised_json_keys():
    assert all(set(choice.to_json()) >= JSON_KEYS for choice in ask())


def test_nothing_fits_is_an_empty_list_not_an_error():
    tiny = find_gpu("L4").model_copy(update={"usable_memory_bytes": 2**30})
    assert ask(gpu=tiny, gpus=1) == ()


def test_a_price_gives_a_cost_per_million_tokens_that_grows_with_it():
    cheap, dear = (ask(price_per_gpu_hour=price)[0].cost_per_million_tokens for price in (2.0, 4.0))
    assert dear == pytest.approx(2 * cheap)
    assert ask()[0].cost_per_million_tokens is None


def test_a_context_is_taken_where_it_is_given():
    assert {choice.fit.request.max_model_len for choice in ask(max_model_len=32768)} == {32768}


@pytest.mark.parametrize(
    "changes",
    [
        {"gpus": 0},
        {"max_model_len": 0},
        {"max_model_len": 9_999_999},
        {"price_per_gpu_hour": -1.0},
        {"purpose": "poetry"},
    ],
)
def test_bad_input_is_refused_with_exit_code_two(changes):
    with pytest.raises(ConfigurationError) as caught:
        ask(**changes)
    assert caught.value.exit_code == 2


def test_an_unknown_purpose_names_the_known_ones():
    with pytest.raises(UnknownPurposeError, match="coding or agent or chinese"):
        ask(purpose="poetry")
