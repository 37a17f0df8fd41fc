"""Valid tensor parallel sizes: the table of the facts file, section 3.3, and the reasons."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_infra.catalog import find_model, models
from qwen_infra.sizing import list_tensor_parallel_sizes
from qwen_infra.sizing.parallelism import TENSOR_PARALLEL_SIZES, Cut, explain_invalid_cut

VERIFIED_SIZES = [
    ("Qwen3.5-0.8B", "bf16", (1, 2, 4, 8)),
    ("Qwen3.5-2B", "bf16", (1, 2, 4, 8)),
    ("Qwen3.5-4B", "bf16", (1, 2, 4, 8, 16)),
    ("Qwen3.5-9B", "bf16", (1, 2, 4, 8, 16)),
    ("Qwen3.5-27B", "bf16", (1, 2, 4, 8)),
    ("Qwen3.5-27B", "fp8", (1, 2, 4, 8)),
    ("Qwen3.5-27B", "gptq-int4", (1, 2, 4, 8)),
    ("Qwen3.5-35B-A3B", "bf16", (1, 2, 4, 8, 16)),
    ("Qwen3.5-35B-A3B", "gptq-int4", (1, 2, 4, 8, 16)),
    ("Qwen3.5-35B-A3B", "fp8", (1, 2, 4)),
    ("Qwen3.5-122B-A10B", "bf16", (1, 2, 4, 8, 16)),
    ("Qwen3.5-122B-A10B", "gptq-int4", (1, 2, 4, 8, 16)),
    ("Qwen3.5-122B-A10B", "fp8", (1, 2, 4, 8)),
    ("Qwen3.5-122B-A10B", "nvfp4", (1, 2, 4, 8)),
    ("Qwen3.5-397B-A17B", "bf16", (1, 2, 4, 8, 16)),
    ("Qwen3.5-397B-A17B", "gptq-int4", (1, 2, 4, 8, 16)),
    ("Qwen3.5-397B-A17B", "fp8", (1, 2, 4, 8)),
    ("Qwen3.5-397B-A17B", "nvfp4", (1, 2, 4, 8)),
]
CHECKPOINTS = [(model, checkpoint) for model in models() for checkpoint in model.checkpoints]


def explain(name, precision, **cut):
    model = find_model(name)
    return explain_invalid_cut(model, model.checkpoint(precision), Cut(**cut))


@pytest.mark.parametrize(("name", "precision", "sizes"), VERIFIED_SIZES)
def test_verified_tensor_parallel_sizes(name, precision, sizes):
    assert list_tensor_parallel_sizes(find_model(name), precision) == sizes


@pytest.mark.parametrize(
    ("name", "precision", "size", "reason"),
    [
        ("Qwen3.5-27B", "bf16", 16, "24 query heads"),
        ("Qwen3.5-35B-A3B", "fp8", 8, "leaves 64, no multiple of the FP8 block 128"),
        ("Qwen3.5-397B-A17B", "gptq-int4", 32, "16 GDN key heads"),
        ("Qwen3.5-9B", "bf16", 3, "16 query heads"),
    ],
)
def test_an_invalid_size_comes_with_its_reason(name, precision, size, reason):
    assert reason in explain(name, precision, tensor_parallel_size=size)


def test_twelve_vision_heads_forbid_eight_gpus_unless_the_tower_is_not_cut():
    assert "--mm-encoder-tp-mode data" in explain("Qwen3.5-0.8B", "bf16", tensor_parallel_size=8)
    assert explain("Qwen3.5-0.8B", "bf16", tensor_parallel_size=8, shards_vision=False) is None
    assert explain("Qwen3.5-0.8B", "bf16", tensor_parallel_size=8, loads_vision=False) is None


def test_expert_parallelism_keeps_experts_whole_but_not_the_shared_one():
    cut = {"tensor_parallel_size": 1, "data_parallel_size": 8}
    assert explain("Qwen3.5-35B-A3B", "fp8", **cut, is_expert_parallel=True) is None
    assert "expert" in explain("Qwen3.5-35B-A3B", "fp8", **cut)
    assert "shared expert" in explain("Qwen3.5-35B-A3B", "fp8", tensor_parallel_size=8, is_expert_parallel=True)


@given(entry=st.sampled_from(CHECKPOINTS), size=st.integers(1, 64))
def test_a_valid_size_never_breaks_a_head(entry, size):
    model, checkpoint = entry
    if explain_invalid_cut(model, checkpoint, Cut(size)) is not None:
        return
    architecture = model.architecture
    assert architecture.query_heads % size == 0
    if architecture.attention is not None:
        assert architecture.attention.kv_heads % size == 0 or size % architecture.attention.kv_heads == 0
    if architecture.linear_attention is not None:
        assert architecture.linear_attention.key_heads % size == architecture.linear_attention.value_heads % size == 0


@pytest.mark.parametrize(("model", "checkpoint"), CHECKPOINTS, ids=lambda entry: getattr(entry, "repository", ""))
def test_one_gpu_is_always_a_valid_size_and_sizes_ascend(model, checkpoint):
    sizes = list_tensor_parallel_sizes(model, checkpoint.precision)
    assert sizes[0] == 1
    assert list(sizes) == [size for size in TENSOR_PARALLEL_SIZES if size in sizes]
