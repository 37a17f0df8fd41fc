"""The gate fails where it must: models that are wrong, each on a real vLLM 0.32 on the CPU.

One was trained to make certain mistakes (``qwen_infra/local/miniature/mistakes.py``) and is right in everything else:
the very cases that look at a mistake must fail, and no other. One was never trained at all.
"""

from collections.abc import Mapping

import pytest

from qwen_infra.local import ensure_miniature, ensure_wrong_miniature
from qwen_infra.local.miniature.mistakes import MISTAKES
from qwen_infra.verification import VerificationReport
from tests.contract.interpreter import VllmInterpreter
from tests.contract.servers import serve
from tests.contract.suite import having, matching, verify

pytestmark = pytest.mark.timeout(1500)

CAUGHT_BY: Mapping[str, tuple[str, ...]] = {
    # vLLM 0.32 takes the opening tag for the end of the thinking, so nobody notices; older ones lost the call (#39056)
    "a call inside the thinking": (),
    "a call inside a thinking that never closes, without its opening tag": (
        *("tools-required-default", "tools-required-default-stream"),
        *("tools-required-on", "tools-required-on-stream"),
    ),
    "a value that is not in the enumeration": (
        *("tools-auto-off", "tools-auto-off-stream", "tools-named-off", "tools-named-off-stream"),
        "concurrent-answers",
    ),
    "the opening tag of a call in ordinary letters": ("tools-parallel-off-stream",),
    "calls in the JSON of older models": (
        *("tools-parallel-default", "tools-parallel-default-stream"),
        *("tools-parallel-on", "tools-parallel-on-stream"),
    ),
    "a closing tag in the answer": ("tools-none-off", "tools-none-off-stream", "tools-unneeded"),
    "a thinking without end": ("chat-thinking-on",),
    "an answer inside the thinking": ("responses-system-prompt", "messages-system-prompt"),
}
"""For each mistake the cases that fail."""
WITHOUT_WORDS = (
    *("models-listed", "key-required*", "development-paths", "unknown-model", "server-version"),
    *("server-context-length", "context-*", "messages-count-tokens", "completion*"),
)
"""What passes whatever a model says."""
ABOUT_WORDS = {
    *("thinking-on", "thinking-off", "tools-auto-off", "tools-required-off", "json-schema", "language-english"),
    *("responses", "messages-tools"),
}
"""One of each kind that looks at words; not all, since without training every answer goes on to its last token."""


@pytest.fixture(scope="module")
def wrong(vllm: VllmInterpreter, tmp_path_factory: pytest.TempPathFactory) -> VerificationReport:
    with serve(vllm, ensure_wrong_miniature(), tmp_path_factory.mktemp("wrong")) as url:
        return verify(url)


def test_every_mistake_that_the_model_makes_is_in_the_table() -> None:
    assert CAUGHT_BY.keys() == MISTAKES.keys()


@pytest.mark.parametrize("mistake", CAUGHT_BY)
def test_a_mistake_fails_the_cases_that_look_at_it(wrong: VerificationReport, mistake: str) -> None:
    assert set(CAUGHT_BY[mistake]) - having(wrong, "failed").keys() == set()


def test_a_model_with_these_mistakes_fails_no_other_case_and_not_the_gate_alone(wrong: VerificationReport) -> None:
    expected = {case for cases in CAUGHT_BY.values() for case in cases}
    failed = having(wrong, "failed")
    assert {case: failed[case] for case in failed.keys() - expected} == {}
    assert not wrong.passed


@pytest.fixture(scope="module")
def untrained(vllm: VllmInterpreter, tmp_path_factory: pytest.TempPathFactory) -> VerificationReport:
    with serve(vllm, ensure_miniature(), tmp_path_factory.mktemp("untrained"), "--load-format", "dummy") as url:
        return verify(url, *WITHOUT_WORDS, *ABOUT_WORDS)


def test_what_needs_no_words_passes_with_random_weights(untrained: VerificationReport) -> None:
    assert having(untrained, "passed").keys() == matching(*WITHOUT_WORDS), having(untrained, "failed")


def test_what_looks_at_words_fails_with_random_weights_and_the_deployment_with_it(
    untrained: VerificationReport,
) -> None:
    assert having(untrained, "failed").keys() == ABOUT_WORDS
    assert not untrained.passed
