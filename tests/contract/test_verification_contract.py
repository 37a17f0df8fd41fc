"""The suite and vLLM's own parsers agree: a model that answers rightly passes, one that does not fails where it must.

One real vLLM at a time on the CPU. Temperature 0, so that each run says the same.
"""

import asyncio
from collections.abc import Iterator

import anthropic
import openai
import pytest

from qwen_infra.client import Endpoint
from qwen_infra.local import ensure_miniature, ensure_wrong_miniature
from qwen_infra.verification import DeployedServer, SuiteOptions, VerificationReport, run_suite
from tests.clients import anthropic_conversation, openai_conversation
from tests.contract.interpreter import VllmInterpreter
from tests.contract.servers import KEY, MAX_MODEL_LEN, MODEL, serve

pytestmark = pytest.mark.timeout(1500)

PATIENCE = 5.0
"""Factor on every deadline: two busy cores stand in for GPUs."""
NOT_FOR_A_TEXT_MODEL_WITHOUT_A_PLAN = {
    "unguarded-paths",
    "server-image",
    "server-revision",
    "server-model",
    "server-kv-cache",
    "image-input",
}
WITHOUT_WORDS = {
    *("models-listed", "key-required", "key-required-everywhere", "development-paths", "unknown-model"),
    *("server-version", "server-context-length", "context-near-limit", "context-above-limit"),
    *("messages-count-tokens", "completion", "completion-stream", "hang-up"),
}
"""Protocol alone: what passes whatever the model says."""


def verify(url: str, *include: str) -> VerificationReport:
    options = SuiteOptions(
        temperature=0,
        patience=PATIENCE,
        include=include,
        deployed=DeployedServer(version="0.32.0", max_model_len=MAX_MODEL_LEN),
    )
    return asyncio.run(run_suite(Endpoint(url=url, model=MODEL, api_key=KEY), options=options))


def having(report: VerificationReport, status: str) -> dict[str, str]:
    return {case.id: f"{case.detail}; came: {case.actual}" for case in report.cases if case.status == status}


@pytest.fixture(scope="module")
def right(vllm: VllmInterpreter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(vllm, ensure_miniature(), tmp_path_factory.mktemp("right")) as url:
        yield url


def test_a_model_that_answers_rightly_passes_the_whole_text_suite(right: str) -> None:
    report = verify(right)
    assert having(report, "failed") == {}
    assert set(having(report, "skipped")) == NOT_FOR_A_TEXT_MODEL_WITHOUT_A_PLAN


def test_a_server_on_a_cpu_that_is_reached_by_its_url_alone_is_never_said_to_be_a_gpu(right: str) -> None:
    assert verify(right, "models-listed").provenance.kind == "unknown"


def test_the_official_openai_client_holds_the_same_conversations(right: str) -> None:
    with openai.OpenAI(base_url=f"{right}/v1", api_key=KEY, max_retries=0, timeout=300) as client:
        openai_conversation(client, MODEL)


def test_the_official_anthropic_client_holds_the_same_conversations(right: str) -> None:
    with anthropic.Anthropic(base_url=right, auth_token=KEY, max_retries=0, timeout=300) as client:
        anthropic_conversation(client, MODEL)


def test_a_model_that_is_subtly_wrong_fails_exactly_where_it_is(
    vllm: VllmInterpreter, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with serve(vllm, ensure_wrong_miniature(), tmp_path_factory.mktemp("wrong")) as url:
        failed = having(verify(url), "failed")
    assert set(failed) == {
        "chat-thinking-on",  # thinks without end
        *("tools-auto-off", "tools-auto-off-stream", "tools-named-off", "tools-named-off-stream"),  # another city
        "concurrent-answers",
        *("tools-parallel-off", "tools-parallel-off-stream", "tools-one-at-a-time"),  # calls as older models write them
    }, failed


def test_a_model_without_training_fails_every_case_that_looks_at_words_and_keeps_the_protocol(
    vllm: VllmInterpreter, tmp_path_factory: pytest.TempPathFactory
) -> None:
    looking_at_words = {"thinking-on", "thinking-off", "tools-auto-on", "language-english", "responses", "messages"}
    with serve(vllm, ensure_miniature(), tmp_path_factory.mktemp("random"), "--load-format", "dummy") as url:
        report = verify(url, *WITHOUT_WORDS, *looking_at_words)
    assert set(having(report, "failed")) == looking_at_words, having(report, "failed")
    assert not report.passed
