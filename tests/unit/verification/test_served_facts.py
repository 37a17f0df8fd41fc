"""What the server says of itself against what the plan expects: its weights' revision, its guarded paths."""

import asyncio
from typing import Any

import pytest
from starlette.responses import JSONResponse

from qwen_infra.client import Endpoint
from qwen_infra.verification import CaseResult, DeployedServer, SuiteOptions, run_suite
from tests.unit.client.scripted_server import ModelScript, serve_model

KEY = "sk-the-very-key"
WEIGHTS = "/qwen-infra/weights"
TOLD = {"repository": "Qwen/Qwen3.5-4B", "revision": "main", "commit": "0a1b2c"}


def run_case(case: str, script: ModelScript, **deployed: Any) -> CaseResult:
    options = SuiteOptions(include=(case,), deployed=DeployedServer(**deployed))
    with serve_model(script) as url:
        report = asyncio.run(run_suite(Endpoint(url=url, model="qwen3.5", api_key=KEY), options=options))
    return report.cases[0]


def judge_revision(told: Any, revision: str | None, status: int = 200) -> CaseResult:
    script = ModelScript(answers={WEIGHTS: JSONResponse(told, status_code=status)})
    return run_case("server-revision", script, repository="Qwen/Qwen3.5-4B", revision=revision)


@pytest.mark.parametrize("revision", ["main", "0a1b2c"])
def test_weights_of_the_plans_branch_or_commit_pass_and_the_commit_is_told(revision: str) -> None:
    case = judge_revision(TOLD, revision)
    assert (case.status, case.detail) == ("passed", "Qwen/Qwen3.5-4B@main, commit 0a1b2c")


@pytest.mark.parametrize("told", [{**TOLD, "revision": "v2"}, {**TOLD, "repository": "Qwen/Qwen3.5-2B"}, {}, []])
def test_other_weights_fail_with_both_named(told: Any) -> None:
    case = judge_revision(told, "main")
    assert (case.status, case.detail) == ("failed", "the served revision is not the plan's")
    assert case.expected == "Qwen/Qwen3.5-4B@main"


def test_weights_that_nobody_downloaded_are_skipped_with_the_reason() -> None:
    case = judge_revision({"error": "the served folder has no manifest"}, "main", status=404)
    assert (case.status, case.detail) == ("skipped", "the server does not tell: the served folder has no manifest")


def test_without_a_plan_the_revision_is_not_asked() -> None:
    assert judge_revision(TOLD, None).status == "skipped"


GUARDED = {
    path: JSONResponse({"error": "Unauthorized"}, status_code=401)
    for path in ("/invocations", "/tokenize", "/detokenize", "/version", "/load", "/docs", "/openapi.json")
}


def judge_guard(opened: list[str] | None, **answers: Any) -> CaseResult:
    script = ModelScript(api_key=KEY, answers={**GUARDED, "/metrics": JSONResponse({}), **answers})
    return run_case("key-required-everywhere", script, open_paths=opened)


def test_behind_the_gatekeeper_every_path_wants_the_key_but_those_that_the_plan_opens() -> None:
    assert judge_guard(["/health", "/metrics"]).status == "passed"
    assert judge_guard(["/health"]).detail == "/metrics without a key answered 200"


def test_a_gatekeeper_that_lets_inference_through_fails_the_deployment() -> None:
    case = judge_guard(["/metrics"], **{"/invocations": JSONResponse({"choices": []})})
    assert (case.status, case.detail) == ("failed", "/invocations without a key answered 200")


def test_without_a_gatekeeper_only_what_vllm_guards_is_asked() -> None:
    assert judge_guard(None).status == "passed"
