"""The suite against the simulator: one fault at a time, and exactly the cases that should fail do."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from qwen_infra.benchmark import WORKLOADS, run_benchmark
from qwen_infra.client import Endpoint
from qwen_infra.verification import VerificationReport, run_suite
from tests.unit.benchmark.notes import own_notes

KEY = "sk-simulated"
CHAT = {"chat-chinese-introduction", "chat-thinking-on", "chat-thinking-off"}

# fault -> the cases that fail, and what their messages say
MUTATIONS: dict[str, tuple[set[str], str]] = {
    "server-error": (CHAT, "500 Internal Server Error"),
    "overloaded": (CHAT, "503 Service Unavailable"),
    "dead-engine": (CHAT, "500 Internal Server Error"),
    "html-error-page": ({"models-listed", *CHAT, "key-required"}, "502"),
    "key-unguarded": ({"key-required"}, "without a key answered 200"),
    "wrong-served-model": ({"models-listed", *CHAT}, "qwen3.5"),
    "wrong-language": ({"chat-chinese-introduction"}, "no Chinese"),
    "answer-in-reasoning": (CHAT, "content is empty"),
    "thinking-ignored": ({"chat-thinking-off"}, "thinking is off but `reasoning` is not empty"),
    "think-tags-in-content": (CHAT, "`<think>` leaked into content"),
    "endless-thinking": ({"chat-thinking-on", "chat-thinking-off"}, "content is empty"),
    "max-tokens-ignored": (CHAT, "token counts are implausible"),
    "truncated-stream": (CHAT, "the connection broke"),
    "broken-json": (CHAT, "broken JSON"),
    "invalid-utf8": (CHAT, "not UTF-8"),
    "missing-usage": (CHAT, "no token counts"),
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    command = [sys.executable, "-m", "qwen_infra.simulator", "--port", "0", "--profile", "instant"]
    environment = {**os.environ, "VLLM_API_KEY": KEY}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            listening = next(line for line in process.stdout if line.startswith("listening on "))
            yield listening.removeprefix("listening on ").strip()
        finally:
            process.terminate()


def verify(url: str, *faults: str) -> VerificationReport:
    httpx.post(f"{url}/simulator/faults", json={"faults": list(faults)}, trust_env=False).raise_for_status()
    return asyncio.run(run_suite(Endpoint(url=url, model="qwen3.5", api_key=KEY)))


def test_without_a_fault_every_case_passes_and_the_report_says_that_it_was_simulated(url):
    report = verify(url)
    assert (report.passed, report.simulated, report.provenance.kind) == (True, True, "simulator")


@pytest.mark.parametrize("fault", MUTATIONS)
def test_a_fault_fails_exactly_the_cases_that_see_it_and_each_says_why(url, fault):
    failed = {case.id: case.detail for case in verify(url, fault).cases if case.status == "failed"}
    ids, message = MUTATIONS[fault]
    assert set(failed) == ids
    assert all(message in detail for detail in failed.values())


def test_the_benchmark_counts_what_the_simulator_sent(url):
    httpx.post(f"{url}/simulator/faults", json={"faults": []}, trust_env=False).raise_for_status()
    endpoint = Endpoint(url=url, model="qwen3.5", api_key=KEY)
    result = asyncio.run(run_benchmark(endpoint, WORKLOADS["smoke"], vocabulary_size=248320))
    assert (result.completed, result.total_input_tokens, result.total_output_tokens) == (8, 8 * 64, 8 * 16)
    assert (result.simulated, result.provenance.hardware, own_notes(result)) == (True, "simulator", ())


def test_the_benchmark_notes_answers_that_are_too_short(url):
    httpx.post(f"{url}/simulator/faults", json={"faults": ["eos-not-ignored"]}, trust_env=False).raise_for_status()
    endpoint = Endpoint(url=url, model="qwen3.5", api_key=KEY)
    workload = WORKLOADS["smoke"].model_copy(update={"output_tokens": 500})
    result = asyncio.run(run_benchmark(endpoint, workload, vocabulary_size=248320))
    assert "some answers were not 500 tokens long although EOS was to be ignored" in result.notes
