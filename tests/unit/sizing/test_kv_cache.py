"""Blocks of cache and state: the tables of the facts file, section 3.4, and the rules of the other memory kinds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_infra.catalog import Architecture, find_model
from qwen_infra.sizing.kv_cache import CacheOptions, plan_cache
from qwen_infra.sizing.weights import PipelineStage, list_pipeline_stages

SIZES = (1, 2, 4, 8)
NATIVE = 262144

COMPUTED_BLOCK_TOKENS = {
    "Qwen3.5-0.8B": ((544, 544, 272, 144), (1072, 1072, 544, 272)),
    "Qwen3.5-2B": ((544, 544, 272, 144), (1072, 1072, 544, 272)),
    "Qwen3.5-4B": ((528, 528, 528, 272), (1056, 1056, 1056, 528)),
    "Qwen3.5-9B": ((528, 528, 528, 272), (1056, 1056, 1056, 528)),
    "Qwen3.5-27B": ((784, 784, 784, 400), (1568, 1568, 1568, 784)),
    "Qwen3.5-35B-A3B": ((1056, 1056, 528, 272), (2096, 2096, 1056, 528)),
    "Qwen3.5-122B-A10B": ((2096, 2096, 1056, 528), (4176, 4176, 2096, 1056)),
    "Qwen3.5-397B-A17B": ((2096, 2096, 1056, 528), (4176, 4176, 2096, 1056)),
}
COMPUTED_BYTES = {
    "Qwen3.5-0.8B": (12288, 6.38, (3.04, 1.52, 1.51, 1.51), 1.55),
    "Qwen3.5-2B": (12288, 6.38, (3.04, 1.52, 1.51, 1.51), 1.55),
    "Qwen3.5-4B": (32768, 16.50, (8.12, 4.06, 2.03, 2.02), 4.12),
    "Qwen3.5-9B": (32768, 16.50, (8.12, 4.06, 2.03, 2.02), 4.12),
    "Qwen3.5-27B": (65536, 49.00, (16.37, 8.18, 4.09, 4.05), 8.37),
    "Qwen3.5-35B-A3B": (20480, 20.62, (5.16, 2.58, 2.54, 2.52), 2.66),
    "Qwen3.5-122B-A10B": (24576, 49.12, (6.38, 3.19, 3.09, 3.05), 3.35),
    "Qwen3.5-397B-A17B": (30720, 61.41, (7.98, 3.99, 3.87, 3.81), 4.18),
}
BY_MODEL_AND_SIZE = [(name, index) for name in COMPUTED_BLOCK_TOKENS for index in range(4)]


def plan(name, **options):
    model = find_model(name)
    return plan_cache(model, CacheOptions(**options), list_pipeline_stages(model, 1)[0])


def request_gib(pool):
    return (pool.count_request_blocks(NATIVE) + 1) * pool.bytes_per_block / 2**30


@pytest.mark.parametrize(("name", "index"), BY_MODEL_AND_SIZE)
def test_computed_block_size_in_tokens(name, index):
    assert plan(name, tensor_parallel_size=SIZES[index]).block_tokens == COMPUTED_BLOCK_TOKENS[name][0][index]


@pytest.mark.parametrize(("name", "index"), BY_MODEL_AND_SIZE)
def test_computed_block_size_in_tokens_with_an_fp8_cache(name, index):
    pool = plan(name, tensor_parallel_size=SIZES[index], kv_cache_dtype="fp8")
    assert pool.block_tokens == COMPUTED_BLOCK_TOKENS[name][1][index]


@pytest.mark.parametrize("name", COMPUTED_BYTES)
def test_computed_cache_bytes_per_token(name):
    pool = plan(name)
    assert pool.bytes_per_block // pool.block_tokens == COMPUTED_BYTES[name][0]


@pytest.mark.parametrize("name", COMPUTED_BYTES)
def test_computed_mebibytes_per_block(name):
    assert plan(name).bytes_per_block / 2**20 == pytest.approx(COMPUTED_BYTES[name][1], abs=0.0051)


@pytest.mark.parametrize(("name", "index"), BY_MODEL_AND_SIZE)
def test_computed_gibibytes_of_one_full_length_request(name, index):
    pool = plan(name, tensor_parallel_size=SIZES[index])
    assert request_gib(pool) == pytest.approx(COMPUTED_BYTES[name][2][index], abs=0.0051)


@pytest.mark.parametrize("name", COMPUTED_BYTES)
def test_computed_gibibytes_of_one_full_length_request_with_an_fp8_cache(name):
    assert request_gib(plan(name, kv_cache_dtype="fp8")) == pytest.approx(COMPUTED_BYTES[name][3], abs=0.0051)


def test_reported_block_size_of_the_4b_is_528():
    assert plan("Qwen3.5-4B").block_tokens == 528


def test_a_short_request_starts_with_four_blocks_and_takes_seven_at_worst():
    pool = plan("Qwen3.5-4B")
    assert (pool.short_request_blocks, pool.worst_short_request_blocks) == (4, 7)


def test_without_prefix_caching_a_short_request_never_takes_more_than_four_blocks():
    pool = plan("Qwen3.5-4B", prefix_caching=False)
    assert (pool.short_request_blocks, pool.worst_short_request_blocks) == (4, 4)


def test_measured_concurrency_with_and_without_prefix_caching_on_7373_blocks():
    """H200 table: 14.66 with align, 14.75 without."""
    concurrency = [
        7373 / plan("Qwen3.5-4B", prefix_caching=caching).count_request_blocks(NATIVE) for caching in (True, False)
    ]
    assert [round(value, 2) for value in concurrency] == [14.66, 14.75]


@pytest.mark.parametrize(
    ("name", "blocks", "concurrency"),
    [
        ("Qwen3.5-4B", 7373, 14.66),
        ("Qwen3.5-27B", 1567, 4.60),
        ("Qwen3.5-27B", 2039, 5.98),
        ("Qwen3.5-4B", 6793, 13.50),
        ("Qwen3.5-4B", 7222, 14.36),
        ("Qwen3.5-4B", 7378, 14.67),
    ],
)
def test_measured_concurrency_on_measured_blocks(name, blocks, concurrency):
    assert round(blocks / plan(name).count_request_blocks(NATIVE), 2) == concurrency


@pytest.mark.parametrize(
    ("name", "available_gib", "blocks"),
    [
        ("Qwen3.5-4B", 118.81, 7373),
        ("Qwen3.5-27B", 75.02, 1567),
        ("Qwen3.5-27B", 97.60, 2039),
        ("Qwen3.5-4B", 116.38, 7222),
    ],
)
def test_measured_blocks_from_measured_memory(name, available_gib, blocks):
    assert available_gib * 2**30 / plan(name).bytes_per_block == pytest.approx(blocks + 0.5, abs=1)


def test_speculation_adds_a_layer_to_the_group_and_states_to_each_request():
    plain, speculative = plan("Qwen3.5-27B"), plan("Qwen3.5-27B", mtp_tokens=2)
    assert (
        speculative.bytes_per_block // speculative.block_tokens
        == plain.bytes_per_block // plain.block_tokens * 17 // 16
    )
    assert speculative.state_blocks == 3 * (2 + 2)


def test_a_bfloat16_state_halves_the_blocks():
    assert plan("Qwen3.5-397B-A17B", state_dtype="bfloat16").block_tokens == 1072


def test_the_block_size_option_is_an_alignment_for_a_hybrid():
    assert plan("Qwen3.5-4B", block_size=256).block_tokens == 768


def test_one_more_token_than_a_block_takes_one_more_block():
    pool = plan("Qwen3.5-27B")
    assert pool.count_request_blocks(785) == pool.count_request_blocks(784) + 1


@given(blocks=st.integers(0, 100_000), name=st.sampled_from(sorted(COMPUTED_BYTES)))
def test_the_longest_context_fits_and_one_block_more_does_not(blocks, name):
    pool = plan(name)
    tokens = pool.longest_context(blocks)
    assert tokens == 0 or pool.count_request_blocks(tokens) + 1 <= blocks
    assert pool.count_request_blocks(tokens + 1) + 1 > blocks


@given(
    name=st.sampled_from(sorted(COMPUTED_BYTES)),
    size=st.sampled_from(SIZES),
    fp8=st.booleans(),
    mtp=st.integers(0, 4),
    state=st.sampled_from(["auto", "bfloat16"]),
)
def test_a_block_always_holds_one_layers_state(name, size, fp8, mtp, state):
    model = find_model(name)
    net, attention = model.architecture.linear_attention, model.architecture.attention
    assert net is not None
    assert attention is not None
    pool = plan(
        name, tensor_parallel_size=size, kv_cache_dtype="fp8" if fp8 else "auto", mtp_tokens=mtp, state_dtype=state
    )
    element = 2 if state == "bfloat16" else 4
    convolution = (3 + mtp) * ((4096 + net.value_heads * 128) // size) * 2
    state_bytes = convolution + net.value_heads // size * 128 * 128 * element
    token_bytes = 2 * max(1, attention.kv_heads // size) * 256 * (1 if fp8 else 2)
    assert state_bytes <= pool.block_tokens * token_bytes < state_bytes + 16 * token_bytes


def test_layers_of_a_small_hybrid_with_speculation_are_grouped_as_vllm_groups_them():
    """4 layers and MTP: 2 attention, 3 GDN; 3 is not under 1.5 x 2, so groups of 2."""
    model = find_model("Qwen3.5-0.8B")
    tiny = model.model_copy(
        update={"name": "tiny", "architecture": model.architecture.model_copy(update={"layers": 4})}
    )
    pool = plan_cache(tiny, CacheOptions(mtp_tokens=1), list_pipeline_stages(tiny, 1)[0])
    assert (pool.bytes_per_block // (pool.block_tokens * 2048), pool.state_blocks) == (2, 2 * 3)


def test_a_plain_model_takes_cache_for_every_layer_and_no_state():
    model = find_model("Qwen3.5-9B")
    dense = model.architecture.model_copy(update={"linear_attention": None, "full_attention_interval": 1})
    plain = model.model_copy(update={"name": "plain", "architecture": dense})
    pool = plan_cache(plain, CacheOptions(), list_pipeline_stages(plain, 1)[0])
    assert (pool.block_tokens, pool.bytes_per_block, pool.state_blocks) == (16, 16 * 32 * 4096, 0)


@pytest.mark.parametrize(
    ("options", "row_bytes"),
    [({}, 1152 + 132), ({"kv_cache_dtype": "fp8"}, 656 + 132)],
)
def test_glm5_caches_one_latent_row_and_one_index_row_a_token(options, row_bytes):
    pool = plan("GLM-5", **options)
    assert (pool.block_tokens, pool.bytes_per_block) == (64, 78 * 64 * row_bytes)


def test_glm5_on_data_centre_blackwell_rounds_its_blocks_up_to_whole_pages():
    pool = plan("GLM-5", kv_cache_dtype="fp8", is_sm100=True)
    assert pool.bytes_per_block % (32 * 576) == 0
    assert 0 <= pool.bytes_per_block - 78 * 64 * (576 + 132) < 32 * 576


def test_tensor_parallelism_does_not_divide_a_latent_cache():
    assert plan("GLM-5", tensor_parallel_size=8) == plan("GLM-5")


def test_a_pipeline_stage_holds_its_own_layers_only():
    model = find_model("Qwen3.5-35B-A3B")
    stage = PipelineStage(5, 15, 0, 20, is_first=True, is_last=False)
    assert plan_cache(model, CacheOptions(), stage).bytes_per_block * 2 == plan(model.name).bytes_per_block


def test_a_model_needs_attention_of_one_kind():
    with pytest.raises(ValueError, match="exactly one of"):
        Architecture.model_validate(
            {"layers": 2, "hidden": 8, "vocabulary_size": 9, "tied_embeddings": True, "intermediate": 4}
        )
