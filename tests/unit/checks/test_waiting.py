"""How readiness asks for the health of a server."""

import pytest

from qwen_infra.checks.waiting import _problem
from tests.unit.client.scripted_server import http_answer, serve_bytes


def test_a_port_of_this_machine_is_never_asked_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with serve_bytes(http_answer(b"{}")) as server, serve_bytes(b"HTTP/1.1 502 Bad Gateway\r\n\r\n") as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        assert _problem(server) == ""


def test_another_status_than_200_is_the_problem() -> None:
    with serve_bytes(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n") as server:
        assert _problem(f"{server}/v1") == "status 503"
