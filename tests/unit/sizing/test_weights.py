"""Checkpoint bytes (facts, section 1.3) and what one GPU holds of them (section 3.5)."""

import pytest

from qwen_infra.catalog import find_model, models
from qwen_infra.sizing.weights import (
    LOADED_BUFFERS_BYTES,
    WeightLoading,
    count_checkpoint_bytes,
    count_weight_bytes,
    list_pipeline_stages,
)

GIB = 2**30

VERIFIED_GIB = [
    ("Qwen3.5-0.8B", "bf16", 1.75, 1.63),
    ("Qwen3.5-2B", "bf16", 4.55, 4.24),
    ("Qwen3.5-4B", "bf16", 9.32, 8.68),
    ("Qwen3.5-9B", "bf16", 19.31, 17.98),
    ("Qwen3.5-27B", "bf16", 55.56, 51.75),
    ("Qwen3.5-27B", "fp8", 30.87, 28.75),
    ("Qwen3.5-27B", "gptq-int4", 30.24, 28.16),
    ("Qwen3.5-35B-A3B", "bf16", 71.90, 66.97),
    ("Qwen3.5-35B-A3B", "fp8", 37.45, 34.88),
    ("Qwen3.5-35B-A3B", "gptq-int4", 24.40, 22.73),
    ("Qwen3.5-122B-A10B", "bf16", 250.17, 232.99),
    ("Qwen3.5-122B-A10B", "fp8", 127.15, 118.42),
    ("Qwen3.5-122B-A10B", "gptq-int4", 78.84, 73.43),
    ("Qwen3.5-397B-A17B", "bf16", 806.80, 751.39),
    ("Qwen3.5-397B-A17B", "fp8", 406.13, 378.23),
    ("Qwen3.5-397B-A17B", "gptq-int4", 235.66, 219.47),
]
COMPUTED_GIB = [("Qwen3.5-122B-A10B", "nvfp4", 83.5, 77.7), ("Qwen3.5-397B-A17B", "nvfp4", 251, 234)]
VERIFIED_TEXT_ONLY_GIB = [
    ("Qwen3.5-0.8B", 1.40),
    ("Qwen3.5-2B", 3.51),
    ("Qwen3.5-4B", 7.83),
    ("Qwen3.5-9B", 16.68),
    ("Qwen3.5-27B", 50.10),
    ("Qwen3.5-35B-A3B", 64.56),
    ("Qwen3.5-122B-A10B", 227.45),
    ("Qwen3.5-397B-A17B", 738.25),
]
CHECKPOINTS = [(model, checkpoint) for model in models() for checkpoint in model.checkpoints]
TEXT_ONLY = WeightLoading(loads_vision=False)


def load(name, precision, loading, pipeline_parallel_size=1, stage=0):
    model = find_model(name)
    stages = list_pipeline_stages(model, pipeline_parallel_size)
    return count_weight_bytes(model, model.checkpoint(precision), loading, stages[stage])


@pytest.mark.parametrize(("name", "precision", "gigabytes", "gibibytes"), VERIFIED_GIB)
def test_verified_checkpoint_bytes(name, precision, gigabytes, gibibytes):
    size = find_model(name).checkpoint(precision).bytes
    assert (round(size / 1e9, 2), round(size / GIB, 2)) == (gigabytes, gibibytes)


@pytest.mark.parametrize(("name", "precision", "gigabytes", "gibibytes"), COMPUTED_GIB)
def test_computed_checkpoint_bytes_of_nvfp4(name, precision, gigabytes, gibibytes):
    size = find_model(name).checkpoint(precision).bytes
    assert size / 1e9 == pytest.approx(gigabytes, rel=1e-3)
    assert size / GIB == pytest.approx(gibibytes, rel=1e-3)


@pytest.mark.parametrize(("model", "checkpoint"), CHECKPOINTS, ids=lambda entry: getattr(entry, "repository", ""))
def test_the_formula_reproduces_the_bytes_of_every_checkpoint_exactly(model, checkpoint):
    assert count_checkpoint_bytes(model.architecture, checkpoint.quantization) == checkpoint.bytes


@pytest.mark.parametrize(("name", "gibibytes"), VERIFIED_TEXT_ONLY_GIB)
def test_verified_bytes_of_text_without_mtp(name, gibibytes):
    assert round((load(name, "bf16", TEXT_ONLY) - LOADED_BUFFERS_BYTES) / GIB, 2) == gibibytes


@pytest.mark.parametrize(
    ("name", "precision", "measured_gib"),
    [("Qwen3.5-4B", "bf16", 7.99), ("Qwen3.5-27B", "bf16", 50.22), ("Qwen3.5-27B", "fp8", 27.64)],
)
def test_measured_weights_on_an_h200_are_predicted_within_a_tenth_of_a_gib_and_not_below(name, precision, measured_gib):
    predicted_gib = load(name, precision, TEXT_ONLY) / GIB
    assert measured_gib - 0.005 <= predicted_gib <= measured_gib + 0.1


@pytest.mark.parametrize(
    ("name", "billions"),
    [("Qwen3.5-35B-A3B", 2.448), ("Qwen3.5-122B-A10B", 6.147), ("Qwen3.5-397B-A17B", 9.799)],
)
def test_computed_every_rank_of_data_parallel_experts_holds_all_text_that_is_not_an_expert(name, billions):
    moe = find_model(name).architecture.moe
    assert moe is not None
    loading = WeightLoading(expert_shards=moe.experts, is_expert_parallel=True, loads_vision=False)
    held = load(name, "bf16", loading) - LOADED_BUFFERS_BYTES
    one_expert = load(name, "bf16", TEXT_ONLY) - LOADED_BUFFERS_BYTES - 2 * billions * 1e9
    assert held - one_expert / moe.experts == pytest.approx(2 * billions * 1e9, rel=1e-3)


def test_tensor_parallelism_divides_all_but_replicated_tensors():
    whole = load("Qwen3.5-397B-A17B", "gptq-int4", WeightLoading())
    quarter = load("Qwen3.5-397B-A17B", "gptq-int4", WeightLoading(tensor_parallel_size=4, expert_shards=4))
    assert whole / 4 < quarter < 1.01 * whole / 4 + LOADED_BUFFERS_BYTES


def test_key_value_heads_are_replicated_when_there_are_fewer_than_gpus():
    loads = [
        load("Qwen3.5-122B-A10B", "bf16", WeightLoading(tensor_parallel_size=size, expert_shards=2**40))
        for size in (2, 4)
    ]
    model = find_model("Qwen3.5-122B-A10B").architecture
    assert model.attention is not None
    one_head_everywhere = 2 * model.full_attention_layers * 2 * model.hidden * model.attention.head_dim
    assert loads[1] > (loads[0] - LOADED_BUFFERS_BYTES) / 2 + one_head_everywhere / 2


def test_the_mtp_layer_is_loaded_only_with_speculation():
    extra = load("Qwen3.5-27B", "bf16", WeightLoading(loads_mtp=True)) - load("Qwen3.5-27B", "bf16", WeightLoading())
    assert extra / 2e9 == pytest.approx(0.425, abs=0.001)


def test_a_replicated_vision_tower_is_whole_on_every_rank():
    cut = load("Qwen3.5-9B", "bf16", WeightLoading(tensor_parallel_size=4))
    whole = load("Qwen3.5-9B", "bf16", WeightLoading(tensor_parallel_size=4, shards_vision=False))
    assert 0.7 * 0.912e9 * 0.75 < whole - cut < 0.912e9 * 0.75


@pytest.mark.parametrize("stages", [1, 2, 3, 4, 7])
def test_pipeline_stages_hold_every_layer_once(stages):
    cut = list_pipeline_stages(find_model("GLM-5"), stages)
    assert sum(stage.full_layers for stage in cut) == 78
    assert sum(stage.dense_layers for stage in cut) == 3


def test_a_remainder_of_layers_goes_before_the_last_stage_as_vllm_puts_it():
    sizes = [stage.full_layers + stage.linear_layers for stage in list_pipeline_stages(find_model("Qwen3.5-0.8B"), 5)]
    assert sizes == [5, 5, 5, 5, 4]


def test_pipeline_stages_add_up_to_the_whole_model():
    parts = [load("Qwen3.5-35B-A3B", "fp8", WeightLoading(), 4, stage) - LOADED_BUFFERS_BYTES for stage in range(4)]
    whole = load("Qwen3.5-35B-A3B", "fp8", WeightLoading()) - LOADED_BUFFERS_BYTES
    assert sum(parts) == pytest.approx(whole, abs=4)
