"""Suite and benchmark against the simulator without a fault; the faults are in the mutation table (integration)."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from qwen_infra.benchmark import WORKLOADS, run_benchmark
from qwen_infra.client import Endpoint
from qwen_infra.simulator import run_simulator
from qwen_infra.verification import VerificationReport, run_suite
from tests.clients import ANTHROPIC, OPENAI, Conversation, anthropic_client, openai_client
from tests.unit.benchmark.notes import own_notes

KEY = "sk-simulated"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with run_simulator("--profile", "instant", api_key=KEY) as url:
        yield url


def verify(url: str, *faults: str) -> VerificationReport:
    httpx.post(f"{url}/simulator/faults", json={"faults": list(faults)}, trust_env=False).raise_for_status()
    return asyncio.run(run_suite(Endpoint(url=url, model="qwen3.5", api_key=KEY)))


def test_every_case_passes_or_is_skipped_and_the_report_says_that_it_was_simulated(url):
    report = verify(url)
    assert (report.passed, report.simulated, report.provenance.kind) == (True, True, "simulator")


@pytest.mark.parametrize("hold", OPENAI)
def test_the_official_openai_client_holds_the_same_conversations(url: str, hold: Conversation, monkeypatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with openai_client(url, KEY) as client:
        hold(client, "qwen3.5")


@pytest.mark.parametrize("hold", ANTHROPIC)
def test_the_official_anthropic_client_holds_the_same_conversations(url: str, hold: Conversation, monkeypatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with anthropic_client(url, KEY) as client:
        hold(client, "qwen3.5")


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
