"""The whole suite against what is no right server: one clear failed case, in time, and nothing else asked in vain."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from qwen_infra.client import Endpoint
from qwen_infra.verification import SuiteOptions, VerificationReport, run_suite
from qwen_infra.verification.runner import _MAX_ANSWER_BYTES
from tests.unit.client.scripted_server import (
    EVENT_STREAM,
    FOREVER,
    ModelScript,
    Step,
    http_answer,
    serve_bytes,
    serve_model,
)

SELF_SIGNED = Path(__file__).parents[1] / "client" / "self_signed.pem"
HURRY = 0.02
"""Factor on every deadline: 30 s become 0.6 s."""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
NGINX = b"HTTP/1.1 200 OK\r\nServer: nginx/1.29\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"


def verify(url: str, **options: Any) -> VerificationReport:
    endpoint = Endpoint(url=url, model="qwen3.5", api_key="sk-a-key-of-ours")
    return asyncio.run(run_suite(endpoint, options=SuiteOptions(**options)))


def failures(report: VerificationReport) -> dict[str, str]:
    return {case.id: case.detail for case in report.cases if case.status == "failed"}


STRANGERS: dict[str, tuple[tuple[Step, ...], bytes | None, str]] = {
    "web server": (
        (NGINX + b"<html><title>Welcome</title></html>",),
        None,
        'HTML titled "Welcome"',
    ),
    "login page": (
        (http_answer(b"<!doctype html><title>Sign in</title>", content_type="text/html"),),
        None,
        'answered HTML titled "Sign in" instead of JSON',
    ),
    "Ollama's root": ((http_answer(b"Ollama is running", content_type="text/plain"),), None, "Ollama is running"),
    "redirect to a login": (
        (b"HTTP/1.1 302 Found\r\nLocation: https://sso.example.com/\r\nContent-Length: 0\r\n\r\n",),
        None,
        "redirects to https://sso.example.com/",
    ),
    "SSH": ((b"SSH-2.0-OpenSSH_9.6\r\n",), None, "the connection broke"),
    "silent": ((FOREVER,), None, "was not done within"),
    "slow loris": ((HEAD + b"\r\n{",), b" ", "was not done within"),
    "head without an end": ((HEAD,), b"X-Pad: a\r\n", "within|broke"),
    "gigantic": ((HEAD + b"\r\n" + b" " * (_MAX_ANSWER_BYTES + 1),), None, f"larger than {_MAX_ANSWER_BYTES} bytes"),
    "invalid UTF-8": ((http_answer(b'{"data": "\xff"}'),), None, "not UTF-8"),
    "nested a million deep": ((http_answer(b"[" * 1_000_000),), None, "broken JSON"),
    "closes at once": ((b"",), None, "the connection broke"),
}


@pytest.mark.parametrize(("steps", "endless", "message"), STRANGERS.values(), ids=STRANGERS)
def test_a_stranger_is_one_failed_case_that_says_what_it_is(
    steps: tuple[Step, ...], endless: bytes | None, message: str
) -> None:
    with serve_bytes(*steps, endless=endless) as url:
        report = verify(url, patience=HURRY)
    found = failures(report)
    assert "models-listed" in found
    assert any(part in found["models-listed"] for part in message.split("|")), found["models-listed"]
    assert "\n" not in report.summary
    assert "Traceback" not in report.model_dump_json()


def test_a_certificate_that_nobody_signed_is_told_as_such_and_nothing_else_is_asked() -> None:
    with serve_bytes(http_answer(b"{}"), certificate=SELF_SIGNED) as url:
        report = verify(url)
    found = failures(report)
    assert list(found) == ["models-listed"]
    assert "no trusted TLS connection" in found["models-listed"]
    assert "self-signed certificate" in found["models-listed"]


def test_a_certificate_may_be_trusted_by_its_file() -> None:
    with serve_bytes(http_answer(b'{"object": "list", "data": []}'), certificate=SELF_SIGNED) as url:
        endpoint = Endpoint(url=url, model="qwen3.5", ca_file=SELF_SIGNED)
        report = asyncio.run(run_suite(endpoint, options=SuiteOptions(include=("models-listed",))))
    assert failures(report) == {"models-listed": "qwen3.5 is not served"}


def test_a_model_server_of_another_kind_is_named_by_what_it_says_of_itself() -> None:
    card = {"id": "qwen3.5", "object": "model", "owned_by": "llamacpp"}
    answers: dict[str, Response] = {
        "/v1/models": JSONResponse({"object": "list", "data": [card]}),
        "/version": JSONResponse({"error": "not found"}, status_code=404),
    }
    with serve_model(ModelScript(answers=answers)) as url:
        report = verify(url, include=("server-version",))
    assert failures(report) == {"server-version": "this is no vLLM; /v1/models says that llamacpp owns the model"}


def test_models_that_are_served_are_listed_when_ours_is_not() -> None:
    cards = [{"id": name} for name in ("glm-5", "gpt-oss-120b")]
    answers: dict[str, Response] = {"/v1/models": JSONResponse({"object": "list", "data": cards})}
    with serve_model(ModelScript(answers=answers)) as url:
        report = verify(url, include=("models-listed",))
    assert report.cases[0].actual == "served: glm-5, gpt-oss-120b"


EVENT = b'data: {"id": "a", "object": "chat.completion.chunk", "choices": [{"delta": {"role": "assistant"}}]}\n\n'
LARGE = EVENT.replace(b"assistant", b"a" * 100_000)
STREAMS: dict[str, tuple[tuple[Step, ...], bytes | None, str]] = {
    "never an event": ((EVENT_STREAM, FOREVER), None, "was not done within"),
    "pings for ever": ((EVENT_STREAM,), b": ping\n\n", "was not done within"),
    "one event and silence": ((EVENT_STREAM + EVENT, FOREVER), None, "stood still for"),
    "endless": ((EVENT_STREAM,), EVENT, "goes on beyond max_tokens|was not done within"),
    "one gigantic event": ((EVENT_STREAM + b"data: ",), b"a" * 4_000_000, "larger than"),
    "gigantic in pieces": ((EVENT_STREAM,), LARGE, "does not begin with the role"),
    "HTML": ((http_answer(b"<html><title>502</title></html>", content_type="text/html"),), None, "no event stream"),
    "half an event": ((EVENT_STREAM + EVENT[:40],), None, "ended without [DONE]|the connection broke"),
}


@pytest.mark.parametrize(("steps", "endless", "message"), STREAMS.values(), ids=STREAMS)
def test_a_stream_that_is_none_is_one_failed_case_in_time(
    steps: tuple[Step, ...], endless: bytes | None, message: str
) -> None:
    with serve_bytes(*steps, endless=endless) as url:
        report = verify(url, include=("thinking-off-stream",), patience=0.01)
    found = failures(report)["thinking-off-stream"]
    assert any(part in found for part in message.split("|")), found


def test_an_answer_that_no_case_foresaw_is_a_failed_case(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: Any, **__: Any) -> Any:
        raise KeyError("choices")

    monkeypatch.setattr("qwen_infra.verification.cases.models_listed.find_card", explode)
    with serve_model(ModelScript()) as url:
        report = verify(url, include=("models-listed",))
    assert failures(report) == {"models-listed": "what came could not be judged: KeyError: 'choices'"}
