"""Whole answers of the client on httpx, and what is no answer."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_infra.client import (
    BrokenAnswerError,
    DeadlineExceededError,
    Endpoint,
    EndpointError,
    HttpStatusError,
    InferenceClient,
    NotJsonError,
    encode_body,
    parse_event,
)
from qwen_infra.client.chunk import parse_body
from tests.unit.client.asking import KEY, PATIENT, get
from tests.unit.client.scripted_server import (
    FOREVER,
    ModelScript,
    http_answer,
    serve_bytes,
    serve_model,
)


def test_json_is_handed_out():
    with serve_bytes(http_answer(b'{"data": []}')) as url:
        assert get(url) == {"data": []}


def test_the_servers_own_message_is_in_the_error():
    body = json.dumps({"error": {"message": "The model `nope` does not exist.", "code": 404}}).encode()
    with serve_bytes(http_answer(body, status="404 Not Found")) as url, pytest.raises(HttpStatusError) as caught:
        get(url)
    assert caught.value.status == 404
    assert caught.value.what == "GET /v1/models answered 404 Not Found: The model `nope` does not exist."


def test_a_server_that_repeats_the_key_does_not_bring_it_into_the_error():
    body = json.dumps({"error": f"wrong key {KEY}"}).encode()
    with serve_bytes(http_answer(body, status="401 Unauthorized")) as url, pytest.raises(HttpStatusError) as caught:
        get(url)
    assert KEY not in str(caught.value)


def test_a_body_that_repeats_the_key_does_not_bring_it_into_the_error():
    with serve_bytes(http_answer(f"your key is {KEY}".encode())) as url, pytest.raises(NotJsonError) as caught:
        get(url)
    assert KEY not in str(caught.value)


def test_html_is_told_by_its_title():
    page = b"<!DOCTYPE html><html><head><title>Welcome to nginx!</title></head></html>"
    with serve_bytes(http_answer(page, content_type="text/html")) as url, pytest.raises(NotJsonError) as caught:
        get(url)
    assert 'answered HTML titled "Welcome to nginx!"' in str(caught.value)


def test_an_html_error_page_is_told_beside_its_status():
    page = http_answer(b"<html><title>Bad Gateway</title></html>", content_type="text/html", status="502 Bad Gateway")
    with (
        serve_bytes(page) as url,
        pytest.raises(HttpStatusError, match=r'502 Bad Gateway: .*HTML titled "Bad Gateway"'),
    ):
        get(url)


def test_a_redirect_is_not_followed_but_told():
    answer = b"HTTP/1.1 302 Found\r\nLocation: https://login.example/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with serve_bytes(answer) as url, pytest.raises(HttpStatusError, match=r"redirects to https://login\.example/"):
        get(url)


def test_bytes_that_are_not_utf8_break_the_answer():
    with serve_bytes(http_answer(b'{"a": "\xff"}')) as url, pytest.raises(BrokenAnswerError, match="not UTF-8"):
        get(url)


def test_a_body_that_is_cut_breaks_the_answer():
    with serve_bytes(http_answer(b'{"data": []}')[:-4]) as url, pytest.raises(BrokenAnswerError, match="broke during"):
        get(url)


def test_a_server_that_does_not_speak_http_breaks_the_answer():
    with serve_bytes(b"SSH-2.0-OpenSSH_9.6\r\n") as url, pytest.raises(BrokenAnswerError):
        get(url)


def test_an_answer_beyond_the_cap_is_not_kept():
    with (
        serve_bytes(http_answer(b'"' + b"x" * 500_000 + b'"')) as url,
        pytest.raises(BrokenAnswerError, match="larger"),
    ):
        get(url)


def test_text_that_utf8_cannot_say_is_sent_as_question_marks():
    assert encode_body({"content": "a\udcffb"}) == b'{"content":"a?b"}'


def test_deeply_nested_json_is_an_error_and_no_crash():
    with serve_bytes(http_answer(b"[" * 200_000)) as url, pytest.raises(NotJsonError):
        get(url)


def test_a_silent_server_meets_the_first_byte_deadline():
    with serve_bytes(FOREVER) as url, pytest.raises(DeadlineExceededError) as caught:
        get(url, replace(PATIENT, first_byte_s=0.3))
    assert caught.value.phase == "first byte"


def test_a_slow_loris_meets_the_total_deadline():
    drip: list[bytes | float] = [b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"]
    for _ in range(100):
        drip += [b"x", 0.05]
    with serve_bytes(*drip) as url, pytest.raises(DeadlineExceededError) as caught:
        get(url, replace(PATIENT, total_s=0.8))
    assert caught.value.phase == "total"


def test_a_compressed_answer_that_was_not_asked_for_is_an_error():
    answer = http_answer(b"\x1f\x8b\x08garbage").replace(b"Connection", b"Content-Encoding: gzip\r\nConnection")
    with serve_bytes(answer) as url, pytest.raises(EndpointError):
        get(url)


def test_the_key_is_sent_and_the_request_id_is_read():
    script = ModelScript(api_key=KEY)

    async def ask(url: str) -> str | None:
        async with InferenceClient(Endpoint(url=url, model="qwen3.5", api_key=KEY)) as client:
            messages = [{"role": "user", "content": "hi"}]
            return (await client.post_json("/v1/chat/completions", {"messages": messages})).request_id

    with serve_model(script) as url:
        assert asyncio.run(ask(url)) == "chatcmpl-1"


def test_a_cancelled_request_ends_at_once():
    async def cancel(url: str) -> None:
        async with InferenceClient(Endpoint(url=url, model="m")) as client:
            task = asyncio.create_task(client.get_json("/v1/models"))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with serve_bytes(FOREVER) as url:
        asyncio.run(asyncio.wait_for(cancel(url), 60))


_json_values = st.recursive(
    st.none() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["error", "message", "x"]), inner),
)


def outcome(read: Callable[[], object]) -> object:
    """What a reader gives: its value, or the text of our error; any other error fails the test."""
    try:
        return read()
    except EndpointError as error:
        return str(error)


@given(data=st.text(max_size=60) | _json_values.map(json.dumps))
def test_any_event_is_an_object_or_one_of_our_errors_on_one_line(data):
    found = outcome(lambda: parse_event(data))
    assert isinstance(found, dict) or "\n" not in str(found)


@given(body=st.binary(max_size=80) | _json_values.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_json_or_one_of_our_errors(body):
    outcome(lambda: parse_body(body, source="GET /"))
