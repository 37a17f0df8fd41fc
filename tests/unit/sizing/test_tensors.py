"""The parameter counts of the facts file, section 1.2: each row reproduces the safetensors header total exactly."""

from typing import Any

import pytest

from qwen_infra.catalog import Architecture, find_model, models
from qwen_infra.sizing.tensors import count_parameters

VERIFIED_PARAMETERS = {
    "Qwen3.5-0.8B": 873_438_784,
    "Qwen3.5-2B": 2_274_069_824,
    "Qwen3.5-4B": 4_659_865_088,
    "Qwen3.5-9B": 9_653_104_368,
    "Qwen3.5-27B": 27_781_427_952,
    "Qwen3.5-35B-A3B": 35_951_822_704,
    "Qwen3.5-122B-A10B": 125_086_497_008,
    "Qwen3.5-397B-A17B": 403_397_928_944,
}


@pytest.mark.parametrize(("name", "parameters"), VERIFIED_PARAMETERS.items())
def test_verified_parameter_count_is_reproduced_exactly(name, parameters):
    assert count_parameters(find_model(name).architecture) == parameters


@pytest.mark.parametrize("model", models(), ids=lambda model: model.name)
def test_the_data_holds_the_parameters_of_its_architecture(model):
    assert model.total_parameters == count_parameters(model.architecture)


@pytest.mark.parametrize(
    ("name", "part", "billions"),
    [
        ("Qwen3.5-0.8B", "mtp", 0.020),
        ("Qwen3.5-2B", "mtp", 0.061),
        ("Qwen3.5-4B", "mtp", 0.121),
        ("Qwen3.5-9B", "mtp", 0.243),
        ("Qwen3.5-27B", "mtp", 0.425),
        ("Qwen3.5-35B-A3B", "mtp", 0.845),
        ("Qwen3.5-122B-A10B", "mtp", 2.524),
        ("Qwen3.5-397B-A17B", "mtp", 6.596),
        ("Qwen3.5-0.8B", "vision", 0.101),
        ("Qwen3.5-2B", "vision", 0.331),
        ("Qwen3.5-4B", "vision", 0.334),
        ("Qwen3.5-9B", "vision", 0.456),
        ("Qwen3.5-27B", "vision", 0.461),
        ("Qwen3.5-35B-A3B", "vision", 0.447),
        ("Qwen3.5-122B-A10B", "vision", 0.451),
        ("Qwen3.5-397B-A17B", "vision", 0.456),
    ],
)
def test_verified_parameters_of_the_mtp_layer_and_the_vision_tower(name, part, billions):
    architecture = find_model(name).architecture
    without: dict[str, dict[str, Any]] = {"mtp": {"mtp_layers": 0}, "vision": {"vision": None}}
    part_parameters = count_parameters(architecture) - count_parameters(architecture.model_copy(update=without[part]))
    assert part_parameters / 1e9 == pytest.approx(billions, abs=0.0006)


@pytest.mark.parametrize(
    ("name", "billions"),
    [("Qwen3.5-35B-A3B", 32.212), ("Qwen3.5-122B-A10B", 115.964), ("Qwen3.5-397B-A17B", 386.547)],
)
def test_verified_parameters_of_the_routed_experts(name, billions):
    architecture = find_model(name).architecture
    moe = architecture.moe
    assert moe is not None
    routed = architecture.layers * moe.experts * 3 * architecture.hidden * moe.expert_intermediate
    assert routed / 1e9 == pytest.approx(billions, abs=0.0005)


def test_glm5_has_the_published_744_billion_without_its_mtp_layer():
    architecture = find_model("GLM-5").architecture
    assert count_parameters(architecture.model_copy(update={"mtp_layers": 0})) / 1e9 == pytest.approx(744, abs=0.6)


def test_a_plain_dense_model_is_counted_as_its_published_total():
    llama_3_1_8b = Architecture.model_validate(
        {
            "layers": 32,
            "hidden": 4096,
            "vocabulary_size": 128256,
            "tied_embeddings": False,
            "attention": {"q_heads": 32, "kv_heads": 8, "head_dim": 128},
            "intermediate": 14336,
        }
    )
    assert count_parameters(llama_3_1_8b) == 8_030_261_248
