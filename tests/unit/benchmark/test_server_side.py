import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse

from qwen_infra.benchmark.figures import Figures
from qwen_infra.benchmark.server_side import (
    ServerSide,
    ServerWatch,
    compare_with_server,
    derive_server_side,
    read_samples,
)
from qwen_infra.client import Endpoint, InferenceClient
from tests.unit.client.scripted_server import ModelScript, serve_model

PAGE = """# HELP vllm:num_preemptions_total Cumulative number of preemption from the engine.
# TYPE vllm:num_preemptions_total counter
vllm:num_preemptions_total{engine="0",model_name="a} b"} 2.0
vllm:num_preemptions_total{engine="1",model_name="a} b"} 3.0
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.5"} 7.0
vllm:time_to_first_token_seconds_count{engine="0"} 4.0
vllm:time_to_first_token_seconds_sum{engine="0"} 2.0 1700000000000
vllm:kv_cache_usage_perc 0.25
process_cpu_seconds_total 3
"""
FIGURES = Figures(
    duration=2.0,
    completed=4,
    failed=0,
    success_rate=1.0,
    total_input_tokens=40,
    total_output_tokens=400,
    request_throughput=2.0,
    output_throughput=200.0,
    total_token_throughput=220.0,
    max_output_tokens_per_s=200.0,
    max_concurrent_requests=4,
    mean_ttft_ms=300.0,
    mean_tpot_ms=20.0,
)


def test_samples_are_summed_over_engines_without_buckets_and_strangers():
    assert read_samples(PAGE) == {
        "vllm:num_preemptions_total": 5.0,
        "vllm:time_to_first_token_seconds_count": 4.0,
        "vllm:time_to_first_token_seconds_sum": 2.0,
        "vllm:kv_cache_usage_perc": 0.25,
    }


def test_only_the_asked_samples_are_read():
    assert read_samples(PAGE, only=("vllm:kv_cache_usage_perc",)) == {"vllm:kv_cache_usage_perc": 0.25}


@given(st.text(max_size=200))
def test_no_page_breaks_the_reader(page):
    read_samples("vllm:" + page)


def test_means_and_rates_come_from_what_has_grown():
    before = {"vllm:time_to_first_token_seconds_sum": 1.0, "vllm:time_to_first_token_seconds_count": 2.0}
    after = {
        "vllm:time_to_first_token_seconds_sum": 3.0,
        "vllm:time_to_first_token_seconds_count": 6.0,
        "vllm:prefix_cache_queries_total": 100.0,
        "vllm:prefix_cache_hits_total": 25.0,
        "vllm:spec_decode_num_accepted_tokens_total": 60.0,
        "vllm:spec_decode_num_draft_tokens_total": 80.0,
        "vllm:spec_decode_num_drafts_total": 40.0,
    }
    server = derive_server_side(before, after, {"vllm:kv_cache_usage_perc": 0.5})
    assert server is not None
    assert (server.server_ttft_ms, server.server_prefix_hit_rate, server.server_peak_kv_usage) == (500.0, 0.25, 0.5)
    assert (server.server_acceptance_rate, server.server_acceptance_length) == (0.75, 2.5)
    assert server.server_queue_ms is None


def test_counters_that_went_backwards_give_nothing():
    assert derive_server_side({"vllm:generation_tokens_total": 5.0}, {"vllm:generation_tokens_total": 1.0}, {}) is None


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"server_tpot_ms": 17.0}, "disagree on TPOT: 20.0 ms here, 17.0 ms there"),
        ({"server_ttft_ms": 200.0}, "disagree on TTFT: 300 ms here, 200 ms there"),
        ({"generation_tokens": 900.0}, "the server generated 900 tokens and this client received 400"),
        ({"server_preemptions": 3.0}, "preempted 3 requests"),
    ],
)
def test_a_disagreement_is_told_with_both_figures(change, complaint):
    found = compare_with_server(FIGURES, ServerSide(**change))
    assert len(found) == 1
    assert complaint in found[0]


def test_what_lies_within_the_margins_is_no_disagreement():
    server = ServerSide(server_tpot_ms=19.3, server_ttft_ms=260.0, generation_tokens=401.0, server_preemptions=0.0)
    assert compare_with_server(FIGURES, server) == []


def watch(script: ModelScript) -> ServerSide | None:
    async def run(url: str) -> ServerSide | None:
        async with InferenceClient(Endpoint(url=url, model="qwen3.5")) as client:
            async with ServerWatch(client) as watched:
                await asyncio.sleep(0)
            return watched.result

    with serve_model(script) as url:
        return asyncio.run(run(url))


def test_a_server_is_watched_over_http():
    found = watch(ModelScript(answers={"/metrics": PlainTextResponse(PAGE)}))
    assert found is not None
    assert (found.server_preemptions, found.server_ttft_ms) == (0.0, None)


def test_a_server_without_metrics_is_no_error():
    assert watch(ModelScript(answers={"/metrics": PlainTextResponse("no", status_code=404)})) is None
