"""The mutation table: every fault of the simulator, one at a time, fails exactly the cases that should see it.

No cluster here; it stands among the integration tests because it takes most of a minute.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

import httpx
import pytest

from qwen_infra.client import Endpoint
from qwen_infra.simulator import FAULTS, run_simulator
from qwen_infra.verification import CASES, DeployedServer, SuiteOptions, VerificationReport, run_suite

KEY = "sk-simulated"
PACED = {"name": "paced", "prefill": {"base_ms": 1}, "decode": {"base_ms": 0.5}}
DEPLOYED = DeployedServer(
    version="0.32.0",
    model_root="/Qwen3.5-397B-A17B-GPTQ-Int4",
    max_model_len=16384,
    takes_images=True,
    num_gpu_blocks=6500,
)

ALL = frozenset(case.id for case in CASES)
SKIPPED = frozenset({"unguarded-paths", "server-image", "server-revision"})
"""What no simulator can have: an outside, an image, a revision."""


def ids(*patterns: str) -> frozenset[str]:
    """The cases that match; a pattern that matches none is an error of this table."""
    for pattern in patterns:
        assert any(fnmatchcase(case_id, pattern) for case_id in ALL), pattern
    return frozenset(case_id for case_id in ALL if any(fnmatchcase(case_id, pattern) for pattern in patterns))


KEYS = ids("key-required*")
FACTS = ids("server-*") - SKIPPED
UNTOUCHED = ids("models-listed", "development-paths") | KEYS | FACTS
"""What asks for nothing to be generated."""
GENERATING = ALL - SKIPPED - UNTOUCHED
CALLS = ids("tools-auto-*", "tools-required-*", "tools-named-*", "tools-parallel-*", "tools-one-at-a-time", "*s-tools*")
WITHOUT_TEXT = ids("context-above-limit", "unknown-model", "hang-up", "messages-count-tokens")
COMPLETIONS = ids("completion*", "context-near-limit")
CHATS = GENERATING - WITHOUT_TEXT - COMPLETIONS
TEXTS = CHATS - CALLS
STREAMS = ids("*-stream") | ids("concurrent-answers")
OFF = ids(
    *("thinking-off*", "tools-*-off*", "tools-unneeded", "tools-one-at-a-time", "json-schema", "json-schema-stream"),
    *(
        "json-object*",
        "structured-choice",
        "language-*",
        "system-prompt",
        "multi-turn",
        "stop-string*",
        "max-tokens*",
        "logprobs*",
    ),
    *("chat-thinking-off", "image-input"),
)
RESULTS = ("responses-result*", "messages-result*")
SUMS = ids(
    *("thinking-*", "tools-none-*", "tools-unneeded", "responses", "responses-stream", "messages", "messages-stream"),
    "concurrent-answers",
)
TAKES_LONG = ("models-listed", "chat-*", "completion*", "responses*", "messages*", "stop-string*", "hang-up")
"""Enough of the suite for faults whose answers are so long that making them takes this machine's time."""

# fault -> the cases that fail, and what each of their messages says
TABLE: dict[str, tuple[frozenset[str], str]] = {
    "server-error": (GENERATING, "500"),
    "overloaded": (GENERATING, "503"),
    "html-error-page": (ALL - SKIPPED - ids("development-paths"), "502"),
    "dead-engine": (GENERATING, "500"),
    "key-unguarded": (KEYS, "without a key answered 200"),
    "slow-start": (ALL - SKIPPED - KEYS - ids("development-paths", "server-version", "server-kv-cache"), "503"),
    "context-overflow-500": (ids("context-above-limit"), "answered 500"),
    "wrong-served-model": (
        ALL - SKIPPED - KEYS - ids("development-paths", "unknown-model", "server-version", "server-kv-cache"),
        "qwen3.5 is not served|The model `qwen3.5` does not exist. Valid aliases: some-other-model",
    ),
    "wrong-context-length": (
        ids("server-context-length", "context-above-limit"),
        "context length is not the plan's|8193 tokens was answered 200",
    ),
    "development-mode": (ids("development-paths"), "VLLM_SERVER_DEV_MODE"),
    "small-kv-cache": (ids("server-kv-cache"), "33% fewer blocks than the plan predicted"),
    "old-version": (ids("server-version"), "0.16.0 does not know Qwen3.5"),
    "wrong-answer": (
        SUMS
        | ids(
            "tools-result-*",
            *RESULTS,
            "json-schema*",
            "language-english",
            "language-chinese",
            "*system-prompt",
            "multi-turn",
        )
        | ids("image-input"),
        "does not say|the JSON has other values",
    ),
    "wrong-language": (
        ids("chat-chinese-introduction", "language-chinese", "language-chinese-stream"),
        'no Chinese in it|does not say "巴黎"',
    ),
    "wrong-tool-argument": (CALLS - ids("tools-parallel-*") | ids("concurrent-answers"), "other calls than asked for"),
    "lost-tool-call": (CALLS | ids("concurrent-answers"), "lost inside `reasoning`"),
    "tool-xml-in-content": (CALLS | ids("concurrent-answers"), "`<tool_call>` leaked into content"),
    "unasked-tool-call": (ids("tools-none-*", "tools-result-*", "tools-unneeded", *RESULTS), "nobody asked for"),
    "answer-in-reasoning": (TEXTS, "content is empty|does not say"),
    "thinking-ignored": (OFF - ids("image-input"), "thinking is off but|is empty and the answer is in `reasoning`"),
    "think-tags-in-content": (CHATS, "`<think>` leaked into content"),
    "endless-thinking": (CHATS - ids("chat-chinese-introduction"), "content is empty|does not say"),
    "image-ignored": (ids("image-input"), 'does not say "red"'),
    "schema-violation": (ids("json-*", "structured-choice"), "does not follow the schema|none of the choices"),
    "forgetful": (ids("*system-prompt", "multi-turn"), "does not say"),
    "stop-ignored": (ids("stop-string*"), "did not stop"),
    "max-tokens-ignored": (
        CHATS - ids("stop-string*") | COMPLETIONS,
        "token counts are implausible|goes on beyond max_tokens|not answered in full|did not decide the length",
    ),
    "eos-not-ignored": (ids("completion*"), "did not decide the length"),
    "gigantic-answer": (
        CHATS | COMPLETIONS | ids("messages-count-tokens"),
        "larger than|far longer|goes on beyond|counts are implausible|in full|not decide the length|did not stop",
    ),
    "endless-stream": (
        CHATS | COMPLETIONS | ids("messages-count-tokens"),
        "was not done within|goes on beyond max_tokens",
    ),
    "stall": (STREAMS, "stood still for"),
    "truncated-stream": (CHATS | COMPLETIONS | ids("messages-count-tokens"), "the connection broke"),
    "missing-done": (STREAMS, r"ended without (\[DONE\]|response.completed|message_stop)"),
    "error-in-stream": (STREAMS, "the server reported an error in the stream: Internal server error"),
    "broken-json": (CHATS | COMPLETIONS | ids("messages-count-tokens"), "broken JSON|is not JSON"),
    "invalid-utf8": (CHATS | COMPLETIONS | ids("messages-count-tokens"), "not UTF-8"),
    "broken-tool-arguments": (CALLS | ids("concurrent-answers"), "are no JSON object|500"),
    "missing-usage": (
        CHATS | COMPLETIONS | ids("messages-count-tokens"),
        "no token counts|did not decide the length|not answered in full|not the one that a request has",
    ),
    "wrong-usage": (
        ids("chat-chinese-introduction", "max-tokens*", "logprobs*", "messages-count-tokens") | COMPLETIONS,
        "implausible|other tokens are counted|not answered in full|did not decide the length|not the one that",
    ),
    "slow-tokens": (frozenset(), "speed is judged by the benchmark"),
    "slow-first-token": (frozenset(), "speed is judged by the benchmark"),
    "leaked-requests": (ids("hang-up"), "hung up still runs"),
}
MIXED_UP = "mixed-up-answers"
"""Which answer a request gets depends on the order in which they come, so only one case is sure to see it."""
LONG = {"endless-thinking", "max-tokens-ignored", "gigantic-answer", "endless-stream"}
HANGING = {"endless-stream": 0.05, "stall": 0.05, "leaked-requests": 0.3}
"""Fault to the factor on every deadline, so that none is awaited in full; what must still pass needs some time."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    profile = tmp_path_factory.mktemp("profile") / "paced.json"
    profile.write_text(json.dumps(PACED))
    with run_simulator("--profile", str(profile), "--max-model-len", "16384", api_key=KEY) as url:
        yield url


def verify(url: str, *faults: str) -> VerificationReport:
    httpx.post(f"{url}/simulator/faults", json={"faults": list(faults)}, trust_env=False).raise_for_status()
    is_long = bool(LONG & set(faults))
    options = SuiteOptions(
        include=TAKES_LONG if is_long else (),
        patience=next((HANGING[fault] for fault in faults if fault in HANGING), 1.0),
        give_up_after=1000,
        deployed=DEPLOYED,
    )
    return asyncio.run(run_suite(Endpoint(url=url, model="qwen3.5", api_key=KEY), options=options))


def failures(report: VerificationReport) -> dict[str, str]:
    return {case.id: case.detail for case in report.cases if case.status == "failed"}


def test_every_fault_of_the_simulator_is_in_the_table():
    assert {*TABLE, MIXED_UP} == set(FAULTS)


def test_without_a_fault_everything_passes_that_a_simulator_can_have(url):
    report = verify(url)
    assert failures(report) == {}
    assert {case.id for case in report.cases if case.status == "skipped"} == SKIPPED


@pytest.mark.parametrize("fault", TABLE)
def test_a_fault_fails_exactly_the_cases_that_should_see_it_and_their_messages_name_it(url, fault):
    found = failures(verify(url, fault))
    wanted, message = TABLE[fault]
    asked = ids(*TAKES_LONG) if fault in LONG else ALL
    assert sorted(found) == sorted(wanted & asked)
    assert {detail for detail in found.values() if not re.search(message, detail)} == set()


def test_answers_that_were_mixed_up_fail_the_case_that_asks_for_many_at_once(url):
    assert "concurrent-answers" in failures(verify(url, MIXED_UP))
