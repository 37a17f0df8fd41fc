import asyncio
import json
from typing import Any

import pytest
from starlette.responses import HTMLResponse, JSONResponse

from qwen_infra.client import ClusterFacts, Endpoint
from qwen_infra.errors import ConfigurationError
from qwen_infra.verification import CaseResult, Level, SuiteOptions, VerificationReport, run_suite, select_cases
from qwen_infra.versions import SUITE_VERSION
from tests.unit.client.scripted_server import ModelScript, http_answer, serve_bytes, serve_model, think_as_asked

KEY = "sk-the-very-key"
SMOKE = [case.id for case in select_cases("smoke")]
CHAT = {"chat-chinese-introduction", "chat-thinking-on", "chat-thinking-off"}
UTTERANCE = {"content": "An answer.", "reasoning": None}


def verify(
    script: ModelScript, *, api_key: str | None = None, level: Level = "smoke", **options: Any
) -> VerificationReport:
    with serve_model(script) as url:
        return asyncio.run(run_suite(Endpoint(url=url, model="qwen3.5", api_key=api_key), level=level, **options))


def failures(report: VerificationReport) -> dict[str, str]:
    return {case.id: case.detail for case in report.cases if case.status == "failed"}


def find(report: VerificationReport, case_id: str) -> CaseResult:
    return next(case for case in report.cases if case.id == case_id)


def test_a_right_server_passes_every_case():
    report = verify(ModelScript(api_key=KEY), api_key=KEY)
    assert (report.passed, {case.status for case in report.cases}) == (True, {"passed"})


def test_the_cases_keep_the_order_of_the_registry():
    report = verify(ModelScript())
    assert [case.id for case in report.cases] == SMOKE


def test_the_requests_are_the_references_four():
    script = ModelScript()
    verify(script)
    bodies = script.requests["/v1/chat/completions"]
    system_and_user = [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "Summarize Qwen3.5 in one sentence."},
    ]
    common = {"model": "qwen3.5", "messages": system_and_user, "temperature": 1, "max_tokens": 4096}
    chinese = [{"role": "user", "content": "你好,请介绍一下你自己"}]
    assert sorted(bodies, key=lambda body: json.dumps(body)) == sorted(
        [
            {"model": "qwen3.5", "messages": chinese, "max_tokens": 100, "temperature": 0.7},
            common,
            {**common, "chat_template_kwargs": {"enable_thinking": False}},
        ],
        key=lambda body: json.dumps(body),
    )


def test_a_model_that_does_not_think_by_default_is_asked_to():
    script = ModelScript(
        message=lambda body: {
            **think_as_asked(body),
            "reasoning": "Hm." if body.get("chat_template_kwargs", {}).get("enable_thinking") else None,
        }
    )
    assert verify(script, options=SuiteOptions(thinking_by_default=False)).passed


def test_without_a_key_the_key_case_is_skipped_with_the_reason():
    case = find(verify(ModelScript()), "key-required")
    assert (case.status, case.detail) == ("skipped", "the endpoint was given without a key")


def test_a_server_that_takes_any_key_fails_the_key_case():
    assert failures(verify(ModelScript(), api_key=KEY)) == {"key-required": "/v1/models without a key answered 200"}


def test_a_wrong_key_fails_what_needs_it_and_nothing_else():
    assert set(failures(verify(ModelScript(api_key="sk-other"), api_key=KEY))) == {"models-listed", *CHAT}


def test_another_served_name_is_named():
    case = find(verify(ModelScript(served_name="glm-5")), "models-listed")
    assert (case.detail, case.actual) == ("qwen3.5 is not served", "served: glm-5")


MUTATIONS: list[tuple[str, ModelScript, set[str], str]] = [
    (
        "answer lands in reasoning",
        ModelScript(message={"content": None, "reasoning": "The answer."}),
        CHAT,
        "content is empty and the answer is in `reasoning`",
    ),
    (
        "never thinks",
        ModelScript(message=lambda body: {**think_as_asked(body), "reasoning": None}),
        {"chat-chinese-introduction", "chat-thinking-on"},
        "thinking is on but `reasoning` is empty",
    ),
    (
        "always thinks",
        ModelScript(message=lambda body: {**think_as_asked(body), "reasoning": "Hm."}),
        {"chat-thinking-off"},
        "thinking is off but `reasoning` is not empty",
    ),
    (
        "think tags leak",
        ModelScript(message=lambda body: {**think_as_asked(body), "content": "<think>你好</think> Hello."}),
        CHAT,
        "`<think>` leaked into content",
    ),
    (
        "tool call leaks",
        ModelScript(message=lambda body: {**think_as_asked(body), "content": "你<tool_call><function=f>"}),
        CHAT,
        "`<tool_call>` leaked into content",
    ),
    (
        "gibberish",
        ModelScript(message=lambda body: {**think_as_asked(body), "content": "\u4e00\x00\x01\x02\ufffd\ufffd"}),
        CHAT,
        "content is garbage",
    ),
    (
        "punctuation only",
        ModelScript(message=lambda body: {**think_as_asked(body), "content": "!!!!!!!!!!!!"}),
        CHAT,
        "content is garbage",
    ),
    (
        "wrong language",
        ModelScript(message=lambda body: {**think_as_asked(body), "content": "I am Qwen."}),
        {"chat-chinese-introduction"},
        "the answer to a question in Chinese has no Chinese in it",
    ),
    ("insane finish", ModelScript(choice={"finish_reason": None}), CHAT, "finish_reason is not sane"),
    ("early length", ModelScript(choice={"finish_reason": "length"}), CHAT, "finish_reason is length, but"),
    ("no usage", ModelScript(usage=None), CHAT, "the answer has no token counts"),
    (
        "implausible usage",
        ModelScript(usage={"prompt_tokens": 12, "completion_tokens": 5000, "total_tokens": 5012}),
        CHAT,
        "the token counts are implausible",
    ),
    (
        "sum is wrong",
        ModelScript(usage={"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 99}),
        CHAT,
        "the token counts are implausible",
    ),
    ("content is a list", ModelScript(message={"content": ["x"]}), CHAT, "`content` is not text"),
    (
        "no choices",
        ModelScript(answers={"/v1/chat/completions": JSONResponse({"choices": []})}),
        CHAT,
        "the answer has no choice with a message",
    ),
    (
        "JSON list",
        ModelScript(answers={"/v1/chat/completions": JSONResponse([1])}),
        CHAT,
        "the answer is not a JSON object",
    ),
    (
        "HTML",
        ModelScript(answers={"/v1/chat/completions": HTMLResponse("<html><title>Login</title></html>")}),
        CHAT,
        'POST /v1/chat/completions answered HTML titled "Login"',
    ),
    (
        "server error",
        ModelScript(answers={"/v1/chat/completions": JSONResponse({"error": {"message": "dead"}}, status_code=500)}),
        CHAT,
        "POST /v1/chat/completions answered 500 Internal Server Error: dead",
    ),
    (
        "not a list of models",
        ModelScript(answers={"/v1/models": JSONResponse({"hello": "world"})}),
        {"models-listed"},
        "/v1/models answered JSON that is no list of models",
    ),
]


@pytest.mark.parametrize(
    ("script", "ids", "message"), [row[1:] for row in MUTATIONS], ids=[row[0] for row in MUTATIONS]
)
def test_a_fault_fails_exactly_the_cases_that_see_it_and_is_named(script, ids, message):
    failed = failures(verify(script))
    assert set(failed) == ids
    assert any(detail.startswith(message) for detail in failed.values())


def test_thinking_that_100_tokens_cut_is_no_failure():
    cut = {"prompt_tokens": 12, "completion_tokens": 100, "total_tokens": 112}
    script = ModelScript(message={"content": None, "reasoning": "思考"}, choice={"finish_reason": "length"}, usage=cut)
    assert find(verify(script), "chat-chinese-introduction").status == "passed"


def test_thinking_that_4096_tokens_do_not_end_is_a_failure():
    endless = {"prompt_tokens": 12, "completion_tokens": 4096, "total_tokens": 4108}
    script = ModelScript(
        message={"content": None, "reasoning": "Wait, " * 50}, choice={"finish_reason": "length"}, usage=endless
    )
    detail = find(verify(script), "chat-thinking-on").detail
    assert detail == "content is empty: the thinking did not end within 4096 tokens"


@pytest.mark.parametrize(
    "steps",
    [
        (http_answer(b"<html><title>Welcome</title></html>", content_type="text/html"),),
        (b"not http at all\r\n\r\n",),
        (http_answer(b'{"data": "\xff"}'),),
        (http_answer(b'{"data": []}')[:-3],),
        (b"",),
    ],
    ids=["html", "no http", "invalid utf-8", "cut", "closed"],
)
def test_a_strange_server_fails_with_a_reason_and_is_asked_nothing_else(steps):
    with serve_bytes(*steps) as url:
        report = asyncio.run(run_suite(Endpoint(url=url, model="qwen3.5", api_key=KEY)))
    assert list(failures(report)) == ["models-listed"]
    assert all(case.detail and "\n" not in case.detail for case in report.cases)
    assert {case.detail for case in report.cases[1:]} == {"not asked, since models-listed found no model server"}


def test_an_unreachable_server_fails_with_a_reason():
    report = asyncio.run(run_suite(Endpoint(url="http://127.0.0.1:1", model="qwen3.5", api_key=KEY), level="smoke"))
    assert list(failures(report)) == ["models-listed"]
    assert report.summary.startswith("verification failed: models-listed: no connection to http://127.0.0.1:1")


def test_a_server_without_tls_fails_an_https_url_as_tls():
    with serve_model(ModelScript()) as url:
        report = asyncio.run(run_suite(Endpoint(url=url.replace("http", "https"), model="qwen3.5"), level="smoke"))
    assert all("TLS" in detail for detail in failures(report).values())


def test_a_key_that_the_server_repeats_is_nowhere_in_the_report():
    script = ModelScript(
        message=lambda body: {**think_as_asked(body), "content": f"你好 {KEY}"},
        answers={"/v1/models": JSONResponse({"error": f"bad {KEY}"}, status_code=500)},
    )
    assert KEY not in verify(script, api_key=KEY).model_dump_json()


def test_the_report_says_what_it_was_made_with():
    report = verify(ModelScript(version={"version": "0.32.0", "simulated": True}), cluster=ClusterFacts("NVIDIA-GB200"))
    assert (report.simulated, report.provenance.kind, report.suite_version) == (True, "simulator", SUITE_VERSION)


def test_the_report_survives_its_json():
    report = verify(ModelScript())
    assert VerificationReport.model_validate_json(report.model_dump_json()) == report


def test_progress_tells_each_case():
    lines: list[str] = []
    verify(ModelScript(), progress=lines.append)
    assert len(lines) == len(SMOKE)
    assert lines[-1].startswith(f"{len(SMOKE)} of {len(SMOKE)} cases done: ")


def test_an_unknown_level_is_refused():
    with pytest.raises(ConfigurationError, match="smoke, full, soak"):
        asyncio.run(run_suite(Endpoint(url="http://h", model="m"), level="quick"))  # type: ignore[arg-type]
