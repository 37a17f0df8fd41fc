"""Connections that come about late, through a proxy, over TLS, or not at all; with either client."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qwen_infra.client import (
    ConnectionFailedError,
    DeadlineExceededError,
    Deadlines,
    Endpoint,
    InferenceClient,
    TlsFailedError,
)
from qwen_infra.errors import ConfigurationError
from tests.unit.client.asking import Stream, get
from tests.unit.client.scripted_server import (
    DONE,
    EVENT_STREAM,
    ModelScript,
    http_answer,
    serve_bytes,
    serve_model,
    token_event,
)

NOBODY = "http://127.0.0.2:9"
"""An address where nothing listens, and which both clients would ask a proxy for."""

SELF_SIGNED = Path(__file__).parent / "self_signed.pem"


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
        limits = Deadlines(connect_s=0.1, connect_attempts=600, first_byte_s=60.0)
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
    listener.accept()[0].close()  # of what filled the queue
    asked = b""
    while not asked:
        connection, _ = listener.accept()
        with connection:
            asked = connection.recv(65536)  # nothing from a client that has given this connection up
            if asked:
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


@pytest.mark.parametrize("variable", ["http_proxy", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("no_proxy", ["", "127.0.0.3"])
def test_a_stream_goes_through_the_proxy_that_the_environment_names(
    stream: Stream, monkeypatch: pytest.MonkeyPatch, variable: str, no_proxy: str
):
    with serve_bytes(EVENT_STREAM + DONE) as proxy:
        monkeypatch.setenv(variable, proxy)
        monkeypatch.setenv("no_proxy", no_proxy)
        assert stream(NOBODY) == []


def test_a_proxy_needs_no_scheme(stream: Stream, monkeypatch: pytest.MonkeyPatch):
    with serve_bytes(EVENT_STREAM + DONE) as proxy:
        monkeypatch.setenv("http_proxy", proxy.removeprefix("http://"))
        assert stream(NOBODY) == []


def test_a_host_that_needs_no_proxy_is_asked_itself(stream: Stream, monkeypatch: pytest.MonkeyPatch):
    with serve_bytes(EVENT_STREAM + DONE) as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("no_proxy", "127.0.0.2")
        with pytest.raises(ConnectionFailedError):
            stream(NOBODY)


@pytest.mark.parametrize("proxy", ["socks5h://localhost:1080", "ftp://me:hunter2@localhost", "http://localhost:port"])
def test_a_proxy_that_cannot_be_used_is_told_with_its_variable(
    stream: Stream, proxy: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("all_proxy", proxy)
    with pytest.raises(ConfigurationError, match=r"ALL_PROXY: the proxy .*NO_PROXY='\*'") as caught:
        stream(NOBODY)
    assert "hunter2" not in str(caught.value)
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(ConnectionFailedError):
        stream(NOBODY)


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


def test_a_connection_that_does_not_come_about_is_told_as_such(stream):
    limits = Deadlines(connect_s=0.05, connect_attempts=1, first_byte_s=60.0)
    with (
        full_queue() as (_, url),
        pytest.raises(DeadlineExceededError, match=r"no connection .* within 0\.05") as caught,
    ):
        stream(url, limits)
    assert caught.value.phase == "connect"
