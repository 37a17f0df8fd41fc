"""Streams of both clients, or of one where they differ: each event at its time, and what breaks a stream."""

import asyncio
import json
import socket
from dataclasses import replace

import pytest

from qwen_infra.client import (
    BrokenAnswerError,
    ConnectionFailedError,
    DeadlineExceededError,
    Deadlines,
    Endpoint,
    HttpStatusError,
    InferenceClient,
    LoadClient,
    NotJsonError,
    ServerFaultError,
    TlsFailedError,
    parse_event,
)
from qwen_infra.client import http as http_module
from qwen_infra.client import load_client as load_client_module
from tests.unit.client.asking import KEY, MAX_BODY_BYTES, PATIENT
from tests.unit.client.scripted_server import (
    DONE,
    EVENT_STREAM,
    FOREVER,
    ModelScript,
    http_answer,
    serve_bytes,
    serve_model,
    token_event,
)


def test_a_stream_beyond_the_cap_is_not_kept():
    async def ask(url: str) -> None:
        async with InferenceClient(Endpoint(url=url, model="m"), max_body_bytes=MAX_BODY_BYTES) as client:
            await client.stream("/v1/completions", b"{}", lambda _at, _data: None)

    with (
        serve_bytes(EVENT_STREAM, endless=token_event("x" * 50_000)) as url,
        pytest.raises(BrokenAnswerError, match="larger"),
    ):
        asyncio.run(ask(url))


def test_a_stream_gives_each_event_with_the_time_of_its_arrival(stream):
    with serve_bytes(EVENT_STREAM, token_event("a"), 0.1, token_event("b"), DONE) as url:
        events = stream(url)
    assert [parse_event(data)["choices"][0]["text"] for _, data in events] == ["a", "b"]
    assert events[1][0] - events[0][0] > 0.05


def test_what_comes_after_done_is_not_handed_out(stream):
    with serve_bytes(EVENT_STREAM, token_event(), DONE, token_event()) as url:
        assert len(stream(url)) == 1


def test_a_stream_that_stays_open_after_done_is_whole(stream, monkeypatch):
    monkeypatch.setattr(http_module, "_DRAIN_S", 0.05)
    monkeypatch.setattr(load_client_module, "_DRAIN_S", 0.05)
    with serve_bytes(EVENT_STREAM, token_event(), DONE, FOREVER) as url:
        assert len(stream(url)) == 1


def test_a_stream_without_done_is_broken(stream):
    with serve_bytes(EVENT_STREAM, token_event()) as url, pytest.raises(BrokenAnswerError, match=r"without \[DONE\]"):
        stream(url)


def test_a_connection_cut_in_the_middle_of_a_stream_is_told(stream):
    head = EVENT_STREAM.replace(b"Connection: close", b"Transfer-Encoding: chunked")
    chunk = token_event()
    with (
        serve_bytes(head, f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n") as url,
        pytest.raises(BrokenAnswerError, match="connection broke"),
    ):
        stream(url)


def test_a_stream_that_stalls_meets_the_deadline_between_chunks(stream):
    with serve_bytes(EVENT_STREAM, token_event(), FOREVER) as url, pytest.raises(DeadlineExceededError) as caught:
        stream(url, replace(PATIENT, between_chunks_s=0.2))
    assert caught.value.phase == "between chunks"


def test_a_stall_is_told_in_its_own_time_however_long_the_first_byte_may_take(stream):
    limits = Deadlines(connect_s=60.0, first_byte_s=600.0, between_chunks_s=0.2, total_s=900.0)
    with serve_bytes(EVENT_STREAM, token_event(), FOREVER) as url, pytest.raises(DeadlineExceededError) as caught:
        stream(url, limits)
    assert caught.value.phase == "between chunks"


def test_a_stream_whose_head_comes_but_no_event_meets_the_first_byte_deadline(stream):
    with serve_bytes(EVENT_STREAM, FOREVER) as url, pytest.raises(DeadlineExceededError) as caught:
        stream(url, replace(PATIENT, first_byte_s=0.3))
    assert caught.value.phase == "first byte"


def test_pings_do_not_count_as_an_answer(stream):
    with serve_bytes(EVENT_STREAM, endless=b": ping\n\n") as url, pytest.raises(DeadlineExceededError) as caught:
        stream(url, replace(PATIENT, first_byte_s=0.3))
    assert caught.value.phase == "first byte"


def test_an_endless_stream_meets_the_total_deadline(stream):
    with serve_bytes(EVENT_STREAM, endless=token_event()) as url, pytest.raises(DeadlineExceededError) as caught:
        stream(url, replace(PATIENT, total_s=0.8))
    assert caught.value.phase == "total"


def test_json_where_a_stream_is_due_is_told(stream):
    with serve_bytes(http_answer(b'{"choices": []}')) as url, pytest.raises(NotJsonError, match="no event stream"):
        stream(url)


def test_a_refusal_of_a_stream_is_told_with_the_servers_message(stream):
    body = json.dumps({"error": {"message": "maximum context length is 16384"}}).encode()
    with serve_bytes(http_answer(body, status="400 Bad Request")) as url, pytest.raises(HttpStatusError, match="16384"):
        stream(url)


def test_a_refusal_that_comes_in_pieces_is_told_whole(stream):
    whole = http_answer(b'{"error": {"message": "maximum context length is 16384"}}', status="400 Bad Request")
    with serve_bytes(whole[:-20], 0.1, whole[-20:]) as url, pytest.raises(HttpStatusError, match="16384"):
        stream(url)


def test_what_goes_wrong_before_a_stream_is_told_in_the_same_words(stream):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionFailedError, match=r"no connection to http://127\.0\.0\.1"):
            stream(f"http://127.0.0.1:{taken.getsockname()[1]}")
    with serve_bytes(b"SSH-2.0-OpenSSH_9.6\r\n") as url, pytest.raises(BrokenAnswerError):
        stream(url)
    with serve_model(ModelScript()) as url, pytest.raises(TlsFailedError, match="no trusted TLS connection"):
        stream(url.replace("http", "https"))
    moved = b"HTTP/1.1 302 Found\r\nLocation: https://login.example/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with serve_bytes(moved) as url, pytest.raises(HttpStatusError, match=r"redirects to https://login\.example/"):
        stream(url)
    with serve_bytes(http_answer(f'{{"error": "wrong key {KEY}"}}'.encode(), status="401 Unauthorized")) as url:
        with pytest.raises(HttpStatusError) as caught:
            stream(url)
        assert KEY not in str(caught.value)


def test_a_cancelled_load_request_is_cancelled_and_no_timeout():
    async def cancel(url: str) -> None:
        async with LoadClient(Endpoint(url=url, model="m")) as client:
            task = asyncio.create_task(client.stream("/", b"{}", lambda _at, _data: None, deadlines=Deadlines()))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with serve_bytes(FOREVER) as url:
        asyncio.run(asyncio.wait_for(cancel(url), 60))


def test_an_error_event_in_a_stream_is_the_servers_fault():
    with pytest.raises(ServerFaultError, match="engine is dead"):
        parse_event('{"error": {"message": "engine is dead"}}')
