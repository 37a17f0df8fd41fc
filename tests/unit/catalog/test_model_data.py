"""The model data: what the facts file lists is there, with its source."""

import pytest

from qwen_infra.catalog import UnknownPrecisionError, find_model, models

SIZES = ("0.8B", "2B", "4B", "9B", "27B", "35B-A3B", "122B-A10B", "397B-A17B")
INSTRUCT = [model for model in models() if not model.is_base]


@pytest.mark.parametrize("size", SIZES)
def test_every_size_of_the_family_is_there(size):
    model = find_model(f"Qwen3.5-{size}")
    assert (model.family, model.licence, model.native_context_tokens) == ("Qwen3.5", "Apache-2.0", 262144)


@pytest.mark.parametrize("size", ["0.8B", "2B", "4B", "9B", "35B-A3B"])
def test_every_published_base_model_is_there(size):
    base = find_model(f"Qwen3.5-{size}-Base")
    assert base.architecture == find_model(f"Qwen3.5-{size}").architecture
    assert base.checkpoint("bf16").repository == f"Qwen/Qwen3.5-{size}-Base"


@pytest.mark.parametrize("size", ["27B", "35B-A3B", "122B-A10B", "397B-A17B"])
def test_every_official_quantized_checkpoint_is_there(size):
    model = find_model(f"Qwen3.5-{size}")
    assert model.checkpoint("fp8").repository == f"Qwen/Qwen3.5-{size}-FP8"
    assert model.checkpoint("gptq-int4").repository == f"Qwen/Qwen3.5-{size}-GPTQ-Int4"


@pytest.mark.parametrize("size", ["122B-A10B", "397B-A17B"])
def test_nvidias_nvfp4_checkpoints_are_there_and_say_that_their_bytes_are_computed(size):
    checkpoint = find_model(f"Qwen3.5-{size}").checkpoint("nvfp4")
    assert checkpoint.repository == f"nvidia/Qwen3.5-{size}-NVFP4"
    assert (checkpoint.source.certainty, checkpoint.kv_cache_dtype) == ("computed", "fp8")


@pytest.mark.parametrize("size", ["0.8B", "2B", "4B", "9B"])
def test_small_sizes_have_no_official_quantized_checkpoint(size):
    assert find_model(f"Qwen3.5-{size}").precisions == ("bf16",)


@pytest.mark.parametrize("model", INSTRUCT, ids=lambda model: model.name)
def test_only_the_two_smallest_do_not_think_by_default(model):
    assert model.default_thinking == (model.name not in {"Qwen3.5-0.8B", "Qwen3.5-2B"})


@pytest.mark.parametrize("size", SIZES)
def test_every_size_has_presets_for_thinking_and_for_instruct(size):
    modes = {preset.mode for preset in find_model(f"Qwen3.5-{size}").sampling}
    assert modes >= {"thinking", "instruct"}


def test_presets_hold_the_cards_values():
    preset = find_model("Qwen3.5-397B-A17B").sampling_preset("instruct")
    assert preset is not None
    assert (preset.temperature, preset.top_p, preset.top_k, preset.presence_penalty) == (0.7, 0.8, 20, 1.5)
    assert (preset.min_p, preset.repetition_penalty) == (0, 1)
    assert find_model("Qwen3.5-397B-A17B").sampling_preset("poetry") is None


@pytest.mark.parametrize(
    ("size", "overall", "coding", "agent", "chinese"),
    [
        ("27B", 88.5, 89.1, 48.5, 90.5),
        ("35B-A3B", 89.7, 87.9, 52.3, None),
        ("122B-A10B", 90.8, 88.7, 50.7, 91.7),
        ("397B-A17B", 91.5, 89.3, 49.8, 92.3),
    ],
)
def test_the_references_scores_and_advice_are_there(size, overall, coding, agent, chinese):
    model = find_model(f"Qwen3.5-{size}")
    scores = model.scores
    found = (scores.overall, scores.coding_humaneval, scores.agent_bfcl_v4_percent, scores.chinese)
    assert found == (overall, coding, agent, chinese)
    assert model.advice


def test_vision_heads_that_shapes_do_not_tell_are_marked_unverified():
    certainties = {size: find_model(f"Qwen3.5-{size}").sources["architecture"].certainty for size in SIZES}
    assert [size for size, certainty in certainties.items() if certainty == "unverified"] == ["2B", "4B"]


@pytest.mark.parametrize("model", models(), ids=lambda model: model.name)
def test_every_figure_has_a_source(model):
    figures = {"architecture", "total_parameters", "native_context_tokens", "max_context_tokens", "licence"}
    assert set(model.sources) >= figures
    assert all(preset.source.text for preset in model.sampling)


def test_glm5_is_another_family_with_its_own_parsers():
    glm = find_model("GLM-5")
    assert (glm.reasoning_parser, glm.tool_call_parser) == ("glm45", "glm47")
    latent = glm.architecture.latent_attention
    assert latent is not None
    assert (latent.kv_lora_rank, latent.qk_rope_head_dim, latent.index_head_dim) == (512, 64, 128)
    assert glm.architecture.layers == 78


def test_an_unknown_precision_names_those_of_the_model():
    with pytest.raises(UnknownPrecisionError, match="expected bf16 or fp8 or gptq-int4"):
        find_model("Qwen3.5-27B").checkpoint("nvfp4")
