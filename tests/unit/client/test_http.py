import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_infra.client import (
    BrokenAnswerError,
    ConnectionFailedError,
    DeadlineExceededError,
    Deadlines,
    Endpoint,
    EndpointError,
    HttpStatusError,
    InferenceClient,
    LoadClient,
    NotJsonError,
    ServerFaultError,
    TlsFailedError,
    encode_body,
    parse_event,
)
from qwen_infra.client import http as http_module
from qwen_infra.client import load_client as load_client_module
from qwen_infra.client.chunk import parse_body
from qwen_infra.errors import ConfigurationError
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

SHORT = Deadlines(connect_s=2.0, first_byte_s=0.3, between_chunks_s=0.2, total_s=0.8)
KEY = "sk-the-very-key"
MAX_BODY_BYTES = 400_000
NOBODY = "http://127.0.0.2:9"
"""An address where nothing listens, and which both clients would ask a proxy for."""

SELF_SIGNED = Path(__file__).parent / "self_signed.pem"


def get(url: str, deadlines: Deadlines = SHORT, path: str = "/v1/models") -> object:
    async def ask() -> object:
        endpoint = Endpoint(url=url, model="m", api_key=KEY)
        async with InferenceClient(endpoint, deadlines=deadlines, max_body_bytes=MAX_BODY_BYTES) as client:
            return (await client.get_json(path)).payload

    return asyncio.run(ask())


Events = list[tuple[float, str]]
Stream = Callable[..., Events]


async def stream_with_httpx(url: str, deadlines: Deadlines, events: Events) -> None:
    async with InferenceClient(Endpoint(url=url, model="m", api_key=KEY), deadlines=deadlines) as client:
        await client.stream("/v1/completions", b"{}", lambda at, data: events.append((at, data)))


async def stream_with_aiohttp(url: str, deadlines: Deadlines, events: Events) -> None:
    async with LoadClient(Endpoint(url=url, model="m", api_key=KEY)) as client:
        await client.stream("/v1/completions", b"{}", lambda at, data: events.append((at, data)), deadlines=deadlines)


@pytest.fixture(params=[stream_with_httpx, stream_with_aiohttp])
def stream(request: pytest.FixtureRequest) -> Stream:
    """Both clients: what is said of a stream holds for either."""

    def run(url: str, deadlines: Deadlines = SHORT) -> Events:
        events: Events = []
        asyncio.run(request.param(url, deadlines, events))
        return events

    return run


@contextmanager
def full_queue() -> Iterator[tuple[socket.socket, str]]:
    """A listening socket whose queue of one connection is full: the kernel answers nobody else."""
    with socket.socket() as listener, socket.socket() as first:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        first.connect(listener.getsockname())
        yield listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_server_that_takes_no_connection_for_a_while_is_tried_again_and_counted():
    async def ask() -> tuple[object, int]:
        limits = Deadlines(connect_s=0.1, connect_attempts=100, first_byte_s=60.0)
        with full_queue() as (listener, url):
            async with InferenceClient(Endpoint(url=url, model="m"), deadlines=limits) as client:
                asking = asyncio.create_task(client.get_json("/v1/models"))
                await asyncio.to_thread(answer_who_asks, listener, lambda: client.late_connections.count > 0)
                return (await asking).payload, client.late_connections.count

    payload, late = asyncio.run(ask())
    assert payload == {"data": []}
    assert late >= 1


def answer_who_asks(listener: socket.socket, may_begin: Callable[[], bool]) -> None:
    """Take connections until one brings a request; what filled the queue brings none."""
    while not may_begin():
        time.sleep(0.01)
    asked = b""
    while not asked:
        connection, _ = listener.accept()
        with connection, suppress(TimeoutError):
            connection.settimeout(0.2)
            asked = connection.recv(65536)
            connection.sendall(http_answer(b'{"data": []}'))


def test_a_server_that_never_takes_a_connection_is_told_with_the_number_of_tries():
    limits = Deadlines(connect_s=0.05, connect_attempts=2, first_byte_s=60.0)
    with (
        full_queue() as (_, url),
        pytest.raises(DeadlineExceededError, match=r"within 0\.05 s, tried 2 times") as caught,
    ):
        get(url, limits)
    assert caught.value.phase == "connect"


@pytest.mark.parametrize(
    ("first_byte_s", "attempts"), [(3.0, 1), (10.0, 1), (10.1, 2), (15.0, 2), (15.1, 3), (600.0, 3)]
)
def test_connections_are_tried_as_often_as_end_before_the_first_byte_is_due(first_byte_s: float, attempts: int):
    limits = Deadlines(connect_s=5.0, connect_attempts=3, first_byte_s=first_byte_s, total_s=600.0)
    assert limits.affordable_attempts == attempts


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


@pytest.mark.parametrize("no_proxy", ["", "127.0.0.3"])
def test_a_stream_goes_through_the_proxy_that_the_environment_names(
    stream: Stream, monkeypatch: pytest.MonkeyPatch, no_proxy: str
):
    with serve_bytes(EVENT_STREAM + DONE) as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("no_proxy", no_proxy)
        assert stream(NOBODY) == []


def test_a_host_that_needs_no_proxy_is_asked_itself(stream: Stream, monkeypatch: pytest.MonkeyPatch):
    with serve_bytes(EVENT_STREAM + DONE) as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("no_proxy", "127.0.0.2")
        with pytest.raises(ConnectionFailedError):
            stream(NOBODY)


@pytest.mark.parametrize("proxy", ["socks5h://localhost:1080", "ftp://me:hunter2@localhost", "http://localhost:port"])
def test_a_proxy_that_cannot_be_used_is_told_with_its_variable(proxy: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("all_proxy", proxy)
    with pytest.raises(ConfigurationError, match=r"ALL_PROXY: the proxy .*NO_PROXY='\*'") as caught:
        get(NOBODY)
    assert "hunter2" not in str(caught.value)
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(ConnectionFailedError):
        get(NOBODY)


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


def test_a_stream_beyond_the_cap_is_not_kept():
    async def ask(url: str) -> None:
        async with InferenceClient(Endpoint(url=url, model="m"), max_body_bytes=MAX_BODY_BYTES) as client:
            await client.stream("/v1/completions", b"{}", lambda _at, _data: None)

    with (
        serve_bytes(EVENT_STREAM, endless=token_event("x" * 50_000)) as url,
        pytest.raises(BrokenAnswerError, match="larger"),
    ):
        asyncio.run(ask(url))


def test_text_that_utf8_cannot_say_is_sent_as_question_marks():
    assert encode_body({"content": "a\udcffb"}) == b'{"content":"a?b"}'


def test_deeply_nested_json_is_an_error_and_no_crash():
    with serve_bytes(http_answer(b"[" * 200_000)) as url, pytest.raises(NotJsonError):
        get(url)


def test_nothing_listening_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionFailedError, match=r"no connection to http://127\.0\.0\.1") as caught:
            get(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert caught.value.exit_code == 3


def test_a_name_that_does_not_resolve_is_told():
    with pytest.raises(ConnectionFailedError):
        get("http://no-such-host.invalid")


def test_tls_against_a_plain_server_is_told_as_tls():
    with serve_model(ModelScript()) as url, pytest.raises(TlsFailedError, match="no trusted TLS connection"):
        get(url.replace("http", "https"))


def test_an_untrusted_certificate_names_the_variable_that_mends_it_and_the_variable_does(stream, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with serve_bytes(EVENT_STREAM, token_event(), DONE, certificate=SELF_SIGNED) as url:
        with pytest.raises(TlsFailedError) as caught:
            stream(url)
        assert "SSL_CERT_FILE" in str(caught.value.mend)
        monkeypatch.setenv("SSL_CERT_FILE", str(SELF_SIGNED))
        assert len(stream(url)) == 1


def test_a_variable_that_names_no_ca_file_is_a_configuration_error(monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    with pytest.raises(ConfigurationError, match=r"SSL_CERT_FILE: the CA file does not exist"):
        InferenceClient(Endpoint(url="https://h", model="m"))


def test_a_ca_file_without_a_certificate_is_a_configuration_error(tmp_path):
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(ConfigurationError, match="no certificate"):
        InferenceClient(Endpoint(url="https://h", model="m", ca_file=tmp_path / "ca.pem"))


def test_a_silent_server_meets_the_first_byte_deadline():
    with serve_bytes(FOREVER) as url, pytest.raises(DeadlineExceededError) as caught:
        get(url)
    assert caught.value.phase == "first byte"


def test_a_slow_loris_meets_the_total_deadline():
    drip: list[bytes | float] = [b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"]
    for _ in range(100):
        drip += [b"x", 0.05]
    with serve_bytes(*drip) as url, pytest.raises(DeadlineExceededError) as caught:
        get(url)
    assert caught.value.phase == "total"


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
        stream(url)
    assert caught.value.phase == "between chunks"


def test_a_stream_whose_head_comes_but_no_event_meets_the_first_byte_deadline(stream):
    with serve_bytes(EVENT_STREAM, FOREVER) as url, pytest.raises(DeadlineExceededError) as caught:
        stream(url)
    assert caught.value.phase == "first byte"


def test_pings_do_not_count_as_an_answer(stream):
    with serve_bytes(EVENT_STREAM, endless=b": ping\n\n") as url, pytest.raises(DeadlineExceededError) as caught:
        stream(url)
    assert caught.value.phase == "first byte"


def test_an_endless_stream_meets_the_total_deadline(stream):
    with serve_bytes(EVENT_STREAM, endless=token_event()) as url, pytest.raises(DeadlineExceededError) as caught:
        stream(url)
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


def test_a_connection_that_does_not_come_about_is_told_as_such(stream):
    limits = Deadlines(connect_s=0.05, connect_attempts=1, first_byte_s=60.0)
    with (
        full_queue() as (_, url),
        pytest.raises(DeadlineExceededError, match=r"no connection .* within 0\.05") as caught,
    ):
        stream(url, limits)
    assert caught.value.phase == "connect"


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
        asyncio.run(asyncio.wait_for(cancel(url), 5))


def test_a_compressed_answer_that_was_not_asked_for_is_an_error():
    answer = http_answer(b"\x1f\x8b\x08garbage").replace(b"Connection", b"Content-Encoding: gzip\r\nConnection")
    with serve_bytes(answer) as url, pytest.raises(EndpointError):
        get(url)


def test_an_error_event_in_a_stream_is_the_servers_fault():
    with pytest.raises(ServerFaultError, match="engine is dead"):
        parse_event('{"error": {"message": "engine is dead"}}')


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
        asyncio.run(asyncio.wait_for(cancel(url), 5))


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
