"""What a result holds: how often was asked, the server's name for the request, what came, what was expected; no key."""

import asyncio
from itertools import count
from typing import Any

import pytest
from starlette.responses import JSONResponse

from qwen_infra.client import Endpoint
from qwen_infra.verification import CaseResult, SuiteOptions, VerificationReport, render_junit, render_table, run_suite
from tests.unit.client.scripted_server import ModelScript, serve_model

KEY = "sk-the-very-key"
CASE = "language-english"


def verify(script: ModelScript, *cases: str) -> VerificationReport:
    with serve_model(script) as url:
        endpoint = Endpoint(url=url, model="qwen3.5", api_key=KEY)
        return asyncio.run(run_suite(endpoint, options=SuiteOptions(include=cases or (CASE,))))


def answering(*contents: str | None) -> ModelScript:
    """Answers one after the other, the last one again and again."""
    number = count()

    def message(_: dict[str, Any]) -> dict[str, Any]:
        return {"content": contents[min(next(number), len(contents) - 1)], "reasoning": None}

    return ModelScript(message=message)


def only(report: VerificationReport) -> CaseResult:
    (case,) = report.cases
    return case


def test_wrong_words_are_asked_again_and_the_result_says_how_often() -> None:
    report = verify(answering("London", "Rome", "Paris"))
    case = only(report)
    assert (case.status, case.attempts) == ("passed", 3)
    assert case.detail.endswith("(asked 3 times)")
    assert report.summary.endswith(", 1 asked again")


def test_words_that_stay_wrong_fail_after_three_attempts() -> None:
    case = only(verify(answering("London")))
    assert (case.status, case.attempts, case.detail) == ("failed", 3, 'the answer does not say "Paris" (asked 3 times)')


def test_broken_protocol_is_never_asked_again() -> None:
    script = answering("<think>Paris</think>", "Paris")
    case = only(verify(script))
    assert (case.status, case.attempts) == ("failed", 1)
    assert len(script.requests["/v1/chat/completions"]) == 1


def test_a_failure_has_what_was_expected_what_came_and_the_servers_name_for_it() -> None:
    case = only(verify(answering("London")))
    assert (case.expected, case.request_id) == ('"Paris"', "chatcmpl-1")
    assert case.actual == 'finish_reason stop, content "London", reasoning empty'


def test_a_refused_request_is_told_with_the_servers_own_message() -> None:
    answers = {"/v1/chat/completions": JSONResponse({"error": {"message": "engine is dead"}}, status_code=500)}
    case = only(verify(ModelScript(answers=answers)))
    assert (case.status, case.expected) == ("failed", "an answer")
    assert case.detail.endswith("500 Internal Server Error: engine is dead")


def test_what_came_is_shortened() -> None:
    case = only(verify(answering("London " * 1000)))
    assert case.actual is not None
    assert len(case.actual) <= 500


@pytest.mark.parametrize(
    "script",
    [
        answering(f"London {KEY}"),
        answering(f"<think>{KEY}"),
        ModelScript(answers={"/v1/chat/completions": JSONResponse({"error": f"bad key {KEY}"}, status_code=401)}),
        ModelScript(answers={"/v1/chat/completions": JSONResponse({"id": KEY, "choices": KEY})}),
        ModelScript(served_name=KEY),
        *(answering("x" * length + KEY) for length in (145, 150, 155)),
    ],
    ids=["words", "protocol", "refusal", "request id", "served name", "cut", "cut earlier", "cut later"],
)
def test_the_key_is_in_no_form_of_the_report(script: ModelScript) -> None:
    report = verify(script, CASE, "models-listed", "key-required")
    for text in (report.model_dump_json(), render_table(report), render_junit(report), report.summary):
        assert KEY[:10] not in text
    assert not report.passed
