"""Against the log of a real `vllm bench serve` 0.32, recorded on the CPU by `benchmarks/against_vllm.py --record`."""

import json
from pathlib import Path
from typing import Any

import pytest

from qwen_infra.benchmark import WORKLOADS, BenchmarkResult, DeploymentFacts, Workload, build_workload
from qwen_infra.benchmark.bench_serve import (
    BEGIN,
    END,
    JOB_SCRIPT,
    bench_serve_arguments,
    build_job_result,
    parse_log,
)
from qwen_infra.benchmark.server_side import ServerSide
from qwen_infra.errors import CheckFailedError, ConfigurationError
from tests.unit.benchmark.sample_result import MINIATURE

LOG = (Path(__file__).parent / "logs" / "bench_serve.log").read_text("utf-8")
RECORDED = Workload(input_tokens=128, output_tokens=64, num_prompts=24, request_rate=2.0, ignore_eos=True, seed=4)


def arguments(workload: Workload) -> dict[str, str]:
    """Flag to value of a workload's command line."""
    words = bench_serve_arguments(workload, base_url="http://s:8000", model="qwen3.5", tokenizer="/m")
    return {word: after for word, after in zip(words, [*words[1:], ""], strict=True) if word.startswith("--")}


def build(log: str = LOG, workload: Workload = RECORDED, **facts: Any) -> BenchmarkResult:
    return build_job_result(
        parse_log(log),
        workload,
        model="qwen3.5",
        provenance=MINIATURE,
        deployment=DeploymentFacts(image="vllm/vllm-openai:v0.32.0"),
        server=facts.get("server"),
    )


def test_the_reference_workload_becomes_the_references_command():
    found = arguments(WORKLOADS["reference"])
    assert (found["--random-input-len"], found["--random-output-len"], found["--num-prompts"]) == ("8000", "1024", "32")
    assert (found["--request-rate"], found["--served-model-name"], "--ignore-eos" in found) == ("10", "qwen3.5", True)
    assert "--burstiness" not in found
    assert found["--num-warmups"] == "0"


def test_every_part_of_a_load_has_its_flag():
    workload = build_workload(
        {
            "preset": "interactive",
            "api": "chat",
            "prefix_tokens": 100,
            "max_concurrency": 8,
            "burstiness": None,
            "thinking": False,
            "goodput": {"ttft": 500, "tpot": 50},
        }
    )
    found = arguments(workload)
    assert (found["--backend"], found["--endpoint"]) == ("openai-chat", "/v1/chat/completions")
    assert (found["--random-prefix-len"], found["--random-input-len"]) == ("100", "412")
    assert (found["--burstiness"], found["--max-concurrency"], found["--temperature"]) == ("inf", "8", "0")
    assert found["--extra-body"] == '{"chat_template_kwargs": {"enable_thinking": false}}'
    assert found["--goodput"] == "ttft:500"


def test_a_load_that_it_cannot_make_is_refused_with_the_way_out():
    with pytest.raises(ConfigurationError, match=r"agent: it has nothing like turns .*benchmark.runner' local"):
        arguments(WORKLOADS["agent"])


def test_a_real_log_gives_the_figures_that_it_printed():
    result = build()
    lines = [line.rstrip() for line in LOG.splitlines() if ": " in line]
    printed = {line.rpartition(": ")[0].strip(): line.rpartition(": ")[2].strip() for line in lines}
    for label, key in {
        "Successful requests": "completed",
        "Benchmark duration (s)": "duration",
        "Output token throughput (tok/s)": "output_throughput",
        "Mean TTFT (ms)": "mean_ttft_ms",
        "P99 TPOT (ms)": "p99_tpot_ms",
        "Median ITL (ms)": "median_itl_ms",
    }.items():
        assert result.value(key) == pytest.approx(float(printed[label]), abs=0.01)
    assert (result.runner, result.reached_by, result.all_answered) == ("job", "in-cluster job", True)
    assert BenchmarkResult.model_validate_json(result.model_dump_json()) == result


def test_repeats_in_one_log_give_a_noise_band():
    result = build(LOG + LOG.replace('"mean_ttft_ms": 13.', '"mean_ttft_ms": 33.'))
    least, most = result.noise["mean_ttft_ms"]
    assert most - least == pytest.approx(20)
    assert [repeat.seed for repeat in result.repeats] == [4, 5]


def test_the_servers_figures_stand_beside_the_jobs():
    result = build(server=ServerSide(server_tpot_ms=9.0))
    assert any("disagree on TPOT" in note for note in result.notes)


def test_the_servers_figures_of_several_repeats_are_compared_with_all_of_them():
    tokens = 2 * build().total_output_tokens
    result = build(LOG + LOG, server=ServerSide(generation_tokens=tokens))
    assert result.server == ServerSide(generation_tokens=tokens)
    assert result.notes[1:] == ("the server's figures are of all 2 repeats together",)


def test_a_sampling_has_its_flags():
    sampling = {"temperature": 0.6, "top_p": 0.95, "top_k": 20, "min_p": 0, "presence_penalty": 1.5}
    found = arguments(build_workload({"preset": "smoke", "sampling": {**sampling, "repetition_penalty": 1}}))
    assert (found["--top-k"], found["--min-p"], found["--presence-penalty"]) == ("20", "0", "1.5")
    assert found["--repetition-penalty"] == "1"


@pytest.mark.parametrize(
    ("log", "problem"),
    [
        ("", "holds no result; its last lines: it is empty"),
        ("Traceback\nKeyError: 'x'", r"holds no result; its last lines: Traceback \| KeyError: 'x'"),
        (LOG[: LOG.index(END) - 100], "is cut off in the middle of its result"),
        (f"{BEGIN}\n{{\n{END}", "holds a result that is not JSON"),
        (f"{BEGIN}\n[]\n{END}", "holds a result without its figures"),
        (f'{BEGIN}\n{{"completed": 1}}\n{END}', "holds a result without its figures"),
    ],
)
def test_a_failed_or_cut_off_log_is_told_with_its_last_lines(log, problem):
    with pytest.raises(CheckFailedError, match=problem):
        parse_log(log)


def test_all_requests_failed_is_a_result_without_figures_and_not_answered():
    rates = dict.fromkeys(("request_throughput", "output_throughput", "total_token_throughput"), 0.0)
    counts = {"completed": 0, "failed": 8, "duration": 1.0, "total_input_tokens": 0, "total_output_tokens": 0}
    document = f"{BEGIN}\n{json.dumps({'date': '20261124-060000', **counts, **rates})}\n{END}"
    result = build(document)
    assert (result.all_answered, result.success_rate, result.p99_ttft_ms) == (False, 0.0, None)


def test_the_script_ends_with_the_first_failure_and_prints_each_result_between_marks():
    assert JOB_SCRIPT.startswith("set -e\n")
    assert JOB_SCRIPT.index(BEGIN) < JOB_SCRIPT.index("cat /tmp/result/result.json") < JOB_SCRIPT.index(END)
