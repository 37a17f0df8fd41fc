"""The answer of `fit_model`: parts, blocks, concurrency, reasons, and the keys of its JSON."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_infra.catalog import find_gpu, find_model, gpus, models
from qwen_infra.errors import ConfigurationError
from qwen_infra.sizing import FitRequest, fit_model, list_tensor_parallel_sizes

GIB = 2**30
FIT_KEYS = {
    "fits",
    "reasons",
    "num_blocks",
    "block_size_tokens",
    "bytes_per_block",
    "max_concurrency",
    "max_num_seqs",
    "weights_gib",
    "reserve_gib",
    "kv_cache_gib",
    "valid_tensor_parallel_sizes",
    "startup_budget_s",
}


def reference(**changes):
    """The reference deployment: 397B GPTQ-Int4 on the four GB200 of one tray."""
    request = FitRequest(
        find_model("Qwen3.5-397B-A17B"),
        "gptq-int4",
        find_gpu("GB200"),
        tensor_parallel_size=4,
        gpu_memory_utilization=0.85,
    )
    return replace(request, **changes)


def draw_requests():
    """Every checkpoint on every GPU that runs it, in a valid cut."""
    pairs = [
        (model, precision, gpu, size)
        for model in models()
        for precision in model.precisions
        for gpu in gpus()
        if precision in gpu.precisions
        for size in (list_tensor_parallel_sizes(model, precision) if gpu.kind == "gpu" else (1,))
    ]
    return st.builds(
        lambda pair, fraction, **rest: FitRequest(
            pair[0],
            pair[1],
            pair[2],
            tensor_parallel_size=pair[3],
            max_model_len=max(1, int(fraction * pair[0].native_context_tokens)),
            replicates_vision=True,
            **rest,
        ),
        st.sampled_from(pairs),
        st.floats(0.001, 1.0),
        gpu_memory_utilization=st.floats(0.3, 0.97),
        max_num_seqs=st.sampled_from([None, 1, 64, 128, 512]),
        text_only=st.booleans(),
        mtp_tokens=st.integers(0, 3),
        prefix_caching=st.booleans(),
        kv_cache_dtype=st.sampled_from(["auto", "fp8"]),
    )


def test_the_reference_deployment_fits():
    assert fit_model(reference()).fits


def test_the_json_has_every_promised_key():
    assert set(fit_model(reference()).to_json()) >= FIT_KEYS


def test_weights_reserve_and_available_memory_are_what_was_requested():
    fit = fit_model(reference())
    assert fit.weights_bytes + fit.reserve.total_bytes + fit.available_bytes == fit.requested_bytes


def test_the_available_memory_is_cut_into_whole_blocks():
    fit = fit_model(reference())
    assert 0 <= fit.available_bytes - fit.kv_cache_bytes < fit.bytes_per_block


def test_weights_that_fill_the_gpu_are_named_as_the_reason():
    fit = fit_model(reference(gpu=find_gpu("L4")))
    assert (fit.fits, fit.num_blocks, fit.max_concurrency, fit.longest_context_tokens) == (False, 0, 0, 0)
    assert "leave no room" in fit.reasons[0]


def test_a_context_that_does_not_fit_is_answered_with_the_longest_that_does():
    fit = fit_model(FitRequest(find_model("Qwen3.5-27B"), "fp8", find_gpu("L40S"), max_num_seqs=8))
    assert not fit.fits
    assert fit_model(replace(fit.request, max_model_len=fit.longest_context_tokens)).fits
    assert not fit_model(replace(fit.request, max_model_len=fit.longest_context_tokens + 1)).fits


def test_more_sequences_than_blocks_is_a_reason():
    fit = fit_model(FitRequest(find_model("Qwen3.5-122B-A10B"), "fp8", find_gpu("H200"), max_num_seqs=1024))
    assert any("with which vLLM refuses to start" in reason or "leave no room" in reason for reason in fit.reasons)


def test_more_sequences_than_batched_tokens_is_a_reason():
    fit = fit_model(reference(max_num_seqs=600, max_num_batched_tokens=512))
    assert any("above max_num_batched_tokens 512" in reason for reason in fit.reasons)


def test_the_cuda_context_must_stay_outside_of_the_requested_share():
    fit = fit_model(FitRequest(find_model("Qwen3.5-0.8B"), "bf16", find_gpu("L4"), gpu_memory_utilization=1.0))
    assert "CUDA context" in fit.reasons[0]


def test_less_than_seven_tenths_of_a_gib_outside_is_noted():
    fit = fit_model(FitRequest(find_model("Qwen3.5-0.8B"), "bf16", find_gpu("L4"), gpu_memory_utilization=0.975))
    assert fit.fits
    assert any("0.7 GiB" in note for note in fit.notes)


def test_more_gpus_than_a_node_has_are_noted():
    fit = fit_model(reference(tensor_parallel_size=8))
    assert any("more than the 4 of one node" in note for note in fit.notes)


def test_the_automatic_number_of_sequences_never_lets_short_requests_preempt_each_other():
    fit = fit_model(FitRequest(find_model("Qwen3.5-122B-A10B"), "fp8", find_gpu("H200"), text_only=True))
    assert fit.fits
    assert fit.max_num_seqs * 7 <= fit.num_blocks


def test_the_extended_context_needs_the_long_context_setting():
    fit = fit_model(reference(max_model_len=1_010_000, long_context=True))
    assert fit.fits
    with pytest.raises(ConfigurationError):
        fit_model(reference(max_model_len=1_010_000))


def test_an_fp8_cache_asked_for_by_the_checkpoint_is_taken():
    nvfp4 = reference(precision="nvfp4")
    assert fit_model(nvfp4) != fit_model(replace(nvfp4, kv_cache_dtype="bfloat16"))
    assert fit_model(nvfp4).block_size_tokens == fit_model(replace(nvfp4, kv_cache_dtype="fp8")).block_size_tokens


def test_glm5_needs_only_data_and_its_memory_rule():
    glm = FitRequest(find_model("GLM-5"), "fp8", find_gpu("H200"), tensor_parallel_size=8, max_model_len=202752)
    assert fit_model(glm).fits
    assert not fit_model(replace(glm, tensor_parallel_size=4)).fits


def test_glm5_takes_an_fp8_cache_on_data_centre_blackwell():
    glm = FitRequest(find_model("GLM-5"), "fp8", find_gpu("B200"), tensor_parallel_size=8, max_model_len=202752)
    assert fit_model(glm).kv_cache_dtype == "fp8_e4m3"


def test_a_pipeline_is_as_tight_as_its_tightest_stage():
    whole = FitRequest(find_model("Qwen3.5-397B-A17B"), "fp8", find_gpu("H200"), tensor_parallel_size=4)
    piped = fit_model(replace(whole, pipeline_parallel_size=2))
    assert piped.weights_bytes < fit_model(whole).weights_bytes
    assert piped.num_blocks > fit_model(whole).num_blocks


def test_data_parallel_experts_fit_where_the_reference_recipe_puts_them():
    """The vLLM recipe: 397B FP8, DP 8 with expert parallelism, text only, on eight H200."""
    request = FitRequest(
        find_model("Qwen3.5-397B-A17B"),
        "fp8",
        find_gpu("H200"),
        data_parallel_size=8,
        expert_parallel=True,
        text_only=True,
        max_num_seqs=128,
    )
    assert fit_model(request).fits


@settings(max_examples=150, deadline=None)
@given(request=draw_requests(), more=st.integers(0, 64 * GIB))
def test_more_memory_never_fits_less(request, more):
    larger = request.gpu.model_copy(
        update={
            "usable_memory_bytes": request.gpu.usable_memory_bytes + more,
            "memory_mib": request.gpu.memory_mib + more // 2**20 + 1,
        }
    )
    fixed = replace(request, max_num_batched_tokens=8192)
    before, after = fit_model(fixed), fit_model(replace(fixed, gpu=larger))
    assert after.num_blocks >= before.num_blocks
    assert after.fits or not before.fits


@settings(max_examples=150, deadline=None)
@given(request=draw_requests(), share=st.floats(0.3, 0.97))
def test_a_larger_share_of_the_memory_never_fits_less(request, share):
    low, high = sorted((share, request.gpu_memory_utilization))
    before = fit_model(replace(request, gpu_memory_utilization=low))
    after = fit_model(replace(request, gpu_memory_utilization=high))
    assert after.num_blocks >= before.num_blocks
    assert after.longest_context_tokens >= before.longest_context_tokens
    assert after.fits or not before.fits or after.requested_bytes > request.gpu.usable_memory_bytes - 0.51 * GIB


@settings(max_examples=150, deadline=None)
@given(request=draw_requests(), other=st.floats(0.001, 1.0))
def test_a_longer_context_never_raises_concurrency(request, other):
    length = max(1, int(other * request.model.native_context_tokens))
    short, long = sorted((length, request.max_model_len))
    shorter = fit_model(replace(request, max_model_len=short))
    longer = fit_model(replace(request, max_model_len=long))
    assert longer.max_concurrency <= shorter.max_concurrency
    assert shorter.fits or not longer.fits


@settings(max_examples=150, deadline=None)
@given(request=draw_requests(), fewer=st.integers(1, 512))
def test_fewer_sequences_never_fit_less(request, fewer):
    present = request.max_num_seqs or 512
    many = fit_model(replace(request, max_num_seqs=present))
    few = fit_model(replace(request, max_num_seqs=min(fewer, present)))
    assert few.num_blocks >= many.num_blocks
    assert few.fits or not many.fits


@settings(max_examples=150, deadline=None)
@given(request=draw_requests())
def test_no_part_is_negative_and_concurrency_follows_from_blocks(request):
    fit = fit_model(request)
    assert min(fit.num_blocks, fit.weights_bytes, fit.reserve.total_bytes, fit.state_bytes, fit.short_requests) >= 0
    assert fit.max_concurrency * fit.blocks_per_request == pytest.approx(fit.num_blocks)
    assert fit.state_bytes <= fit.kv_cache_bytes
    assert fit.fits == (not fit.reasons)


@settings(max_examples=150, deadline=None)
@given(request=draw_requests())
def test_text_only_never_takes_more_memory(request):
    text, vision = (fit_model(replace(request, text_only=only)) for only in (True, False))
    assert text.weights_bytes <= vision.weights_bytes
    assert text.num_blocks >= vision.num_blocks


@settings(max_examples=100, deadline=None)
@given(request=draw_requests())
def test_the_longest_context_is_exactly_where_fitting_ends(request):
    fit = fit_model(replace(request, max_num_seqs=1))
    longest = fit.longest_context_tokens
    if longest and "CUDA context" not in "".join(fit.reasons):
        assert fit_model(replace(fit.request, max_model_len=longest)).fits
    if longest < request.model.native_context_tokens:
        assert not fit_model(replace(fit.request, max_model_len=longest + 1)).fits
