"""Models described in the stack file, and models derived from the Hub's config.json and safetensors totals."""

from typing import Any

import pytest

from qwen_infra.catalog import Attention, find_gpu, find_model
from qwen_infra.catalog.custom import CustomModel, IncompleteModelError
from qwen_infra.catalog.hub_config import derive_model
from qwen_infra.sizing import FitRequest, fit_model

LLAMA = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "max_position_embeddings": 131072,
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
}
QWEN3_MOE = {
    "model_type": "qwen3_moe",
    "head_dim": 128,
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "max_position_embeddings": 262144,
    "moe_intermediate_size": 768,
    "num_attention_heads": 32,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "num_hidden_layers": 48,
    "num_key_value_heads": 4,
    "tie_word_embeddings": False,
    "vocab_size": 151936,
}
QWEN35_27B: dict[str, Any] = {
    "model_type": "qwen3_5",
    "tie_word_embeddings": False,
    "text_config": {
        "attn_output_gate": True,
        "full_attention_interval": 4,
        "head_dim": 256,
        "hidden_size": 5120,
        "intermediate_size": 17408,
        "linear_conv_kernel_dim": 4,
        "linear_key_head_dim": 128,
        "linear_num_key_heads": 16,
        "linear_num_value_heads": 48,
        "linear_value_head_dim": 128,
        "max_position_embeddings": 262144,
        "mtp_num_hidden_layers": 1,
        "num_attention_heads": 24,
        "num_hidden_layers": 64,
        "num_key_value_heads": 4,
        "vocab_size": 248320,
    },
}
GLM5_FP8 = {
    "model_type": "glm_moe_dsa",
    "first_k_dense_replace": 3,
    "hidden_size": 6144,
    "index_head_dim": 128,
    "index_n_heads": 32,
    "intermediate_size": 12288,
    "kv_lora_rank": 512,
    "max_position_embeddings": 202752,
    "moe_intermediate_size": 2048,
    "n_routed_experts": 256,
    "n_shared_experts": 1,
    "num_attention_heads": 64,
    "num_experts_per_tok": 8,
    "num_hidden_layers": 78,
    "num_key_value_heads": 64,
    "num_nextn_predict_layers": 1,
    "q_lora_rank": 2048,
    "qk_nope_head_dim": 192,
    "qk_rope_head_dim": 64,
    "v_head_dim": 256,
    "vocab_size": 154880,
    "quantization_config": {"quant_method": "fp8"},
}


def fit(model, gpu="H200", **changes):
    settings = {"max_model_len": 32768, "max_num_seqs": 64} | changes
    return fit_model(FitRequest(model, model.precisions[0], find_gpu(gpu), **settings))


def test_a_dense_model_with_grouped_heads_is_derived():
    answer = fit(derive_model("meta-llama/Llama-3.1-8B", LLAMA, {"BF16": 8_030_261_248}))
    assert answer.bytes_per_block == 16 * 32 * 2 * 8 * 128 * 2
    assert answer.weights_gib == pytest.approx(14.96 + 0.2, abs=0.02)


def test_a_mixture_of_experts_is_derived():
    model = derive_model("Qwen/Qwen3-30B-A3B", QWEN3_MOE, {"BF16": 30_532_122_624})
    assert model.architecture.moe is not None
    assert model.architecture.moe.experts == 128
    assert fit(model).weights_gib == pytest.approx(56.87 + 0.2, abs=0.05)


def test_a_hybrid_is_derived_with_the_same_blocks_as_the_catalogues():
    derived = fit(derive_model("someone/Qwen3.5-27B-tuned", QWEN35_27B, {"BF16": 27_781_419_504, "F32": 8448}))
    known = fit(find_model("Qwen3.5-27B"))
    assert (derived.block_size_tokens, derived.bytes_per_block) == (known.block_size_tokens, known.bytes_per_block)
    assert derived.weights_bytes >= known.weights_bytes - 2**20


def test_latent_attention_is_derived_with_the_same_blocks_as_the_catalogues():
    counts = {"F8_E4M3": 752_000_000_000, "BF16": 2_000_000_000, "F32": 50_000_000}
    derived = fit(derive_model("someone/GLM-5-tuned", GLM5_FP8, counts), tensor_parallel_size=8)
    known = fit_model(
        FitRequest(find_model("GLM-5"), "fp8", find_gpu("H200"), tensor_parallel_size=8, max_model_len=32768)
    )
    assert derived.bytes_per_block == known.bytes_per_block
    assert derived.weights_gib == pytest.approx(known.weights_gib, rel=0.01)


def test_bytes_that_the_architecture_does_not_explain_are_counted():
    usual = fit(derive_model("a/b", LLAMA, {"BF16": 8_030_261_248}))
    larger = fit(derive_model("a/b", LLAMA, {"BF16": 9_030_261_248}))
    assert larger.weights_bytes - usual.weights_bytes == pytest.approx(2e9, rel=0.01)


def test_a_head_is_hidden_size_over_heads_where_the_configuration_is_silent():
    attention = derive_model("a/b", LLAMA, {"BF16": 1}).architecture.attention
    assert attention == Attention(q_heads=32, kv_heads=8, head_dim=128)


def test_the_quantization_decides_the_precision():
    quantized = LLAMA | {"quantization_config": {"quant_method": "gptq", "bits": 4}}
    assert derive_model("a/b", quantized, {"I32": 900_000_000, "F16": 1_300_000_000}).precisions == ("gptq-int4",)


def test_an_unknown_quantization_is_refused():
    with pytest.raises(IncompleteModelError, match="found bitsandbytes"):
        derive_model("a/b", LLAMA | {"quantization_config": {"quant_method": "bitsandbytes"}}, {"BF16": 1})


def test_an_unknown_safetensors_type_is_refused():
    with pytest.raises(IncompleteModelError, match="found F6_E3M2"):
        derive_model("a/b", LLAMA, {"F6_E3M2": 1})


@pytest.mark.parametrize(
    ("config", "lost", "named"),
    [
        (LLAMA, "num_hidden_layers", "layers"),
        (LLAMA, "vocab_size", "vocabularySize"),
        (LLAMA, "intermediate_size", "intermediateSize"),
        (QWEN3_MOE, "num_experts_per_tok", "expertsPerToken"),
        (GLM5_FP8, "v_head_dim", "vHeadDim"),
    ],
)
def test_a_configuration_without_a_needed_field_is_refused_with_its_name(config, lost, named):
    with pytest.raises(IncompleteModelError, match=named) as caught:
        derive_model("a/b", {key: value for key, value in config.items() if key != lost}, {"BF16": 1})
    assert (caught.value.exit_code, caught.value.where) == (2, "qwen-infra:model.custom")


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("dense", ("kvHeads", "headDim", "intermediateSize")),
        ("moe", ("experts", "expertsPerToken", "expertIntermediateSize")),
        ("mla", ("kvLoraRank", "qkNopeHeadDim", "qkRopeHeadDim", "vHeadDim")),
        ("qwen3.5-hybrid", ("linearKeyHeads", "linearValueHeads", "fullAttentionInterval")),
    ],
)
def test_a_description_names_every_field_that_its_architecture_still_needs(kind, named):
    with pytest.raises(IncompleteModelError) as caught:
        CustomModel.model_validate({"name": "x", "repository": "a/x", "kind": kind}).to_model()
    assert all(name in str(caught.value) for name in (*named, "layers", "contextTokens", "checkpointBytes"))


def test_a_description_with_stack_file_keys_becomes_a_model_that_can_be_sized():
    description = {
        "name": "Mine",
        "repository": "me/Mine",
        "kind": "dense",
        "layers": 32,
        "hiddenSize": 4096,
        "vocabularySize": 128256,
        "contextTokens": 131072,
        "checkpointBytes": 16_060_522_496,
        "queryHeads": 32,
        "kvHeads": 8,
        "headDim": 128,
        "intermediateSize": 14336,
    }
    assert fit(CustomModel.model_validate(description).to_model()).fits


def test_a_description_that_contradicts_itself_is_refused():
    with pytest.raises(IncompleteModelError, match="multiple of"):
        derive_model("a/b", QWEN35_27B["text_config"] | {"num_hidden_layers": 63}, {"BF16": 1})
