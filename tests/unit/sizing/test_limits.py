"""The physical limit: measured speeds stay below it, and it moves with what it is made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_infra.catalog import find_gpu, find_model
from qwen_infra.sizing import FitRequest, Traffic, count_active_parameters, estimate_limit, fit_model

REFERENCE = Traffic(32, 8000, 1024)
MEASURED_ON_H200 = [
    ("Qwen3.5-27B", Traffic(32, 8000, 1024), 31.0, 737),
    ("Qwen3.5-35B-A3B", Traffic(32, 8000, 1024), 18.0, 1390),
    ("Qwen3.5-27B", Traffic(1, 2000, 256), 15.15, 63),
    ("Qwen3.5-27B", Traffic(8, 2000, 256), 16.7, 386),
    ("Qwen3.5-27B", Traffic(32, 2000, 256), 26.1, 904),
]


def limit(name="Qwen3.5-397B-A17B", precision="gptq-int4", gpu="GB200", size=4, traffic=REFERENCE):
    request = FitRequest(find_model(name), precision, find_gpu(gpu), tensor_parallel_size=size, text_only=True)
    return estimate_limit(fit_model(request), traffic)


@pytest.mark.parametrize(
    ("name", "billions"),
    [("Qwen3.5-35B-A3B", 3), ("Qwen3.5-122B-A10B", 10), ("Qwen3.5-397B-A17B", 17), ("GLM-5", 40)],
)
def test_active_parameters_are_about_what_the_name_says(name, billions):
    assert count_active_parameters(find_model(name)) / 1e9 == pytest.approx(billions, rel=0.12)


def test_the_reference_run_reaches_about_an_eighth_of_the_limit():
    found = limit()
    assert found.tpot_ms == pytest.approx(3.8, abs=0.3)
    assert found.share_of_tpot(29.54) == pytest.approx(0.13, abs=0.015)


def test_the_reference_runs_ttft_and_throughput_are_within_the_limit():
    found = limit()
    assert found.ttft_ms < 287
    assert found.output_tokens_per_s > 1152


@pytest.mark.parametrize(("name", "traffic", "tpot_ms", "tokens_per_s"), MEASURED_ON_H200)
def test_no_measured_speed_on_an_h200_is_better_than_the_limit(name, traffic, tpot_ms, tokens_per_s):
    found = limit(name, "bf16", "H200", 1, traffic)
    assert found.tpot_ms < tpot_ms
    assert found.output_tokens_per_s > tokens_per_s


def test_a_single_request_of_the_27b_reads_the_weights_at_seven_tenths_of_the_bandwidth():
    assert limit("Qwen3.5-27B", "bf16", "H200", 1, Traffic(1, 2000, 256)).share_of_tpot(15.15) == pytest.approx(
        0.71, abs=0.02
    )


def test_one_token_reads_only_the_experts_that_it_uses():
    one = limit(traffic=Traffic(1, 1, 1)).weight_read_bytes
    many = limit(traffic=Traffic(100_000, 1, 1)).weight_read_bytes
    whole = find_model("Qwen3.5-397B-A17B").checkpoint("gptq-int4").bytes
    assert one < 0.12 * whole
    assert 0.85 * whole < many < whole


def test_twice_the_gpus_halve_the_limit():
    assert limit(size=2).tpot_ms == pytest.approx(2 * limit(size=4).tpot_ms)


@given(batch=st.integers(1, 2000), more=st.integers(0, 2000))
def test_more_requests_never_make_a_token_faster(batch, more):
    slow, fast = (limit(traffic=Traffic(count, 1000, 100)) for count in (batch + more, batch))
    assert slow.tpot_ms >= fast.tpot_ms


@given(tokens=st.integers(1, 200_000), more=st.integers(0, 50_000))
def test_a_longer_prompt_never_answers_sooner(tokens, more):
    longer, shorter = (limit(traffic=Traffic(1, count, 100)) for count in (tokens + more, tokens))
    assert longer.ttft_ms >= shorter.ttft_ms


def test_a_latent_cache_is_counted_once_for_all_heads():
    request = FitRequest(find_model("GLM-5"), "fp8", find_gpu("H200"), tensor_parallel_size=8, max_model_len=100_000)
    found = estimate_limit(fit_model(request), Traffic(1, 1000, 0))
    assert found.cache_read_bytes == 78 * 1000 * 1152
