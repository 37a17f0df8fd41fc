import asyncio
import re
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from qwen_infra.benchmark import WORKLOADS, BenchmarkOptions, BenchmarkResult, Workload, run_benchmark
from qwen_infra.client import ClusterFacts, ConnectionFailedError, Deadlines, Endpoint, HttpStatusError
from qwen_infra.errors import ConfigurationError
from tests.unit.benchmark.notes import own_notes
from tests.unit.client.scripted_server import ModelScript, ModelServer, serve_model

SMOKE = WORKLOADS["smoke"]
MANY = Workload(name="many", input_tokens=8, output_tokens=4, num_prompts=2000, max_concurrency=8, ignore_eos=True)
"""More requests than are answered before any of these tests ends its run."""


def measure(script: ModelScript, workload: Workload = SMOKE, **options: Any) -> BenchmarkResult:
    with serve_model(script) as url:
        return measure_url(url, workload, **options)


def measure_url(url: str, workload: Workload = SMOKE, *, progress: Any = None, **options: Any) -> BenchmarkResult:
    return asyncio.run(
        run_benchmark(
            Endpoint(url=url, model="qwen3.5"),
            workload,
            vocabulary_size=248320,
            progress=progress or (lambda _: None),
            options=BenchmarkOptions(**options),
        )
    )


def once_answered(action: Callable[[], object]) -> Callable[[str], None]:
    """A progress callback that acts when the first requests have been answered, however slow the machine is."""
    waiting = [action]

    def hear(line: str) -> None:
        if waiting and (done := re.match(r"(\d+) of \d+ requests done", line)) and int(done[1]) > 0:
            waiting.pop()()

    return hear


def test_a_run_counts_what_was_sent_and_answered():
    result = measure(ModelScript())
    assert (result.completed, result.failed, result.partial, result.success_rate) == (8, 0, False, 1.0)
    assert (result.total_input_tokens, result.total_output_tokens) == (8 * 64, 8 * 16)
    assert own_notes(result) == ()


def test_the_figures_follow_the_servers_timing():
    result = measure(ModelScript(token_delay_s=0.05))
    assert result.mean_itl_ms is not None
    assert result.mean_ttft_ms is not None
    assert result.mean_itl_ms >= 50
    assert result.mean_ttft_ms >= 50


def test_the_rate_is_kept():
    workload = Workload(input_tokens=4, output_tokens=1, num_prompts=10, request_rate=20.0)
    assert measure(ModelScript(), workload).duration >= 0.5


def test_warm_up_requests_are_sent_first_and_not_measured():
    script = ModelScript()
    result = measure(script, SMOKE.model_copy(update={"warmup_requests": 2}))
    probe, *warm_up = script.requests["/v1/completions"][:3]
    assert probe["prompt"] == [248319]
    assert [len(body["prompt"]) for body in warm_up] == [64, 64]
    assert (len(script.requests["/v1/completions"]), result.completed) == (1 + 2 + 8, 8)


def test_no_more_requests_are_under_way_than_allowed():
    slow = ModelScript(token_delay_s=0.05)
    workload = SMOKE.model_copy(update={"max_concurrency": 1, "output_tokens": 2})
    assert measure(slow, workload).duration >= 8 * 2 * 0.05


def test_the_result_has_vllms_key_names_and_survives_its_json():
    result = measure(ModelScript())
    keys = set(result.model_dump())
    assert keys >= {"date", "model_id", "num_prompts", "request_rate", "mean_ttft_ms", "p99_tpot_ms", "duration"}
    assert BenchmarkResult.model_validate_json(result.model_dump_json()) == result


def test_the_result_says_what_it_was_made_with():
    result = measure(
        ModelScript(), cluster=ClusterFacts("NVIDIA-GB200", simulated_nodes=True), reached_by="port-forward"
    )
    assert (result.simulated, result.provenance.hardware, result.reached_by) == (True, "cpu", "port-forward")


def test_progress_is_told():
    lines: list[str] = []
    measure(ModelScript(), progress=lines.append)
    assert lines[-1].startswith("8 of 8 requests done, ")
    assert lines[-1].endswith(" tok/s")


def test_a_workload_beyond_the_context_is_refused_before_anything_is_sent():
    script = ModelScript(max_model_len=70)
    with pytest.raises(ConfigurationError, match=r"found 64 \+ 16 = 80 tokens, expected at most 70"):
        measure(script)
    assert "/v1/completions" not in script.requests


def test_a_model_that_is_not_served_is_refused_with_those_that_are():
    with pytest.raises(ConfigurationError, match=r"does not serve qwen3.5 \(found glm-5"):
        measure(ModelScript(served_name="glm-5"))


def test_an_unreachable_server_is_told_before_the_load():
    with pytest.raises(ConnectionFailedError):
        measure_url("http://127.0.0.1:1")


def test_a_wrong_key_is_told_before_the_load():
    with pytest.raises(HttpStatusError, match="401"):
        measure(ModelScript(api_key="sk-right"))


def test_requests_that_fail_are_counted_by_kind_with_an_example():
    result = measure(ModelScript(fail_after=2 + 3))
    assert (result.completed, result.failed, result.errors) == (3, 5, {"http_status": 5})
    assert "the engine is dead" in result.error_examples["http_status"]
    assert result.partial is False


def test_when_all_requests_fail_there_is_a_result_without_latencies():
    result = measure(ModelScript(fail_after=2))
    assert (result.completed, result.failed, result.success_rate, result.p99_ttft_ms) == (0, 8, 0.0, None)
    assert result.summary.startswith("benchmark smoke: none of 8 requests was answered (http_status: ")


def test_a_stalled_request_fails_alone_by_its_deadline():
    cold = SMOKE.model_copy(update={"warmup_requests": 0})
    result = measure(ModelScript(token_delay_s=0.05), cold, request_deadlines=Deadlines(total_s=0.4))
    assert result.errors == {"timeout": 8}


def test_the_deadline_keeps_what_was_measured():
    result = measure(ModelScript(token_delay_s=0.05), MANY, deadline_s=4)
    assert result.partial_because == "it was not done within 4 s"
    assert (result.completed > 0, result.unfinished > 0, result.failed) == (True, True, 0)


def test_a_stop_keeps_what_was_measured():
    async def run(url: str) -> BenchmarkResult:
        stop = asyncio.Event()
        endpoint = Endpoint(url=url, model="qwen3.5")
        return await run_benchmark(
            endpoint,
            MANY,
            vocabulary_size=248320,
            progress=once_answered(stop.set),
            options=BenchmarkOptions(stop=stop),
        )

    with serve_model(ModelScript(token_delay_s=0.05)) as url:
        result = asyncio.run(run(url))
    assert (result.partial_because, result.completed > 0) == ("it was interrupted", True)


def test_ctrl_c_keeps_what_was_measured_and_the_former_handler():
    former = signal.getsignal(signal.SIGINT)
    press = once_answered(lambda: signal.raise_signal(signal.SIGINT))
    result = measure(ModelScript(token_delay_s=0.05), MANY, progress=press, stop_on_ctrl_c=True)
    assert (result.partial_because, signal.getsignal(signal.SIGINT)) == ("it was interrupted", former)


def test_a_server_that_dies_half_way_leaves_a_partial_result():
    server = ModelServer()
    stopper = threading.Thread(target=server.stop)
    with serve_model(ModelScript(token_delay_s=0.05), server) as url:
        result = measure_url(url, MANY, progress=once_answered(stopper.start))
    stopper.join()
    assert result.partial_because is not None
    assert result.partial_because.startswith("the server ")
    assert (result.completed > 0, result.failed > 0) == (True, True)


def test_prompts_that_the_server_counts_otherwise_are_noted():
    stream = b'data: {"choices": [{"text": "a"}]}\n\ndata: [DONE]\n\n'
    answers = {"/v1/completions": Response(stream, media_type="text/event-stream")}

    async def run(url: str) -> BenchmarkResult:
        endpoint = Endpoint(url=url, model="qwen3.5")
        return await run_benchmark(endpoint, SMOKE, vocabulary_size=None)

    with serve_model(ModelScript(answers=answers)) as url:
        result = asyncio.run(run(url))
    assert "8 answers came without usage; their chunks were counted as tokens" in result.notes
    assert "some answers were not 16 tokens long although EOS was to be ignored" in result.notes


def test_an_answer_without_a_token_is_a_failure():
    answers = {"/v1/completions": Response(b"data: [DONE]\n\n", media_type="text/event-stream")}

    async def run(url: str) -> BenchmarkResult:
        endpoint = Endpoint(url=url, model="qwen3.5")
        return await run_benchmark(endpoint, SMOKE, vocabulary_size=None)

    with serve_model(ModelScript(answers=answers)) as url:
        assert asyncio.run(run(url)).error_examples == {"protocol": "the answer had no token in it"}


def test_a_server_that_refuses_the_warm_up_is_told_before_the_load():
    answers = {"/v1/completions": JSONResponse({"error": {"message": "no such API"}}, status_code=404)}
    with pytest.raises(HttpStatusError, match="no such API"):
        measure(ModelScript(answers=answers))
