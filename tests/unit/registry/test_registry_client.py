"""Asking a registry: a scripted one with the distribution project's token authentication.

The same questions are put to a real registry in ``tests/integration/test_image_pin.py``.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from qwen_infra.errors import CheckFailedError, EnvironmentMissingError
from qwen_infra.registry import parse_reference, resolve_image

CONFIG = json.dumps({"architecture": "arm64", "os": "linux"}).encode()
CONFIG_DIGEST = f"sha256:{hashlib.sha256(CONFIG).hexdigest()}"
SINGLE = json.dumps({"schemaVersion": 2, "config": {"digest": CONFIG_DIGEST}}).encode()
INDEX = json.dumps(
    {
        "schemaVersion": 2,
        "manifests": [
            {"platform": {"os": "linux", "architecture": "arm64"}},
            {"platform": {"os": "linux", "architecture": "amd64"}},
            {"platform": {"os": "unknown", "architecture": "unknown"}},
        ],
    }
).encode()
PATHS = {
    "/v2/vllm/x/manifests/artifact": b'{"schemaVersion": 1}',
    "/v2/vllm/x/manifests/index": INDEX,
    "/v2/vllm/x/manifests/single": SINGLE,
    f"/v2/vllm/x/blobs/{CONFIG_DIGEST}": CONFIG,
}


@contextmanager
def serve(*, needs_token: bool = False, told_digest: str | None = None) -> Iterator[str]:
    """``host:port`` of a registry; with ``needs_token``, one that wants the token of its realm first."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = self.headers["Host"]
            if self.path.startswith("/token?"):
                right = "scope=repository%3Avllm%2Fx%3Apull" in self.path
                return self.reply(200 if right else 400, b'{"token": "t"}')
            if needs_token and self.headers.get("Authorization") != "Bearer t":
                challenge = f'Bearer realm="http://{host}/token",service="registry"'
                return self.reply(401, b"", {"WWW-Authenticate": challenge})
            body = PATHS.get(self.path)
            headers = {"Docker-Content-Digest": told_digest} if told_digest else {}
            return self.reply(404, b"{}") if body is None else self.reply(200, body, headers)

        def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in ((headers or {}) | {"Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_tag_of_an_index_gives_its_digest_and_every_linux_processor() -> None:
    with serve() as host:
        found = resolve_image(parse_reference(f"{host}/vllm/x:index"))
    assert found.digest == f"sha256:{hashlib.sha256(INDEX).hexdigest()}"
    assert found.architectures == ("amd64", "arm64")


def test_a_single_image_has_the_processor_of_its_configuration() -> None:
    with serve() as host:
        assert resolve_image(parse_reference(f"{host}/vllm/x:single")).architectures == ("arm64",)


def test_a_registry_with_tokens_is_answered_with_the_token_of_its_realm() -> None:
    with serve(needs_token=True) as host:
        assert resolve_image(parse_reference(f"{host}/vllm/x:index")).architectures == ("amd64", "arm64")


def test_a_tag_that_does_not_exist_is_told() -> None:
    with serve() as host, pytest.raises(CheckFailedError, match="there is no such image"):
        resolve_image(parse_reference(f"{host}/vllm/x:nothing"))


def test_bytes_that_are_not_what_the_digest_says_are_refused() -> None:
    with serve(told_digest=f"sha256:{'0' * 64}") as host, pytest.raises(CheckFailedError, match="other bytes"):
        resolve_image(parse_reference(f"{host}/vllm/x:index"))


def test_a_document_that_is_no_manifest_of_an_image_is_told_without_a_traceback() -> None:
    with serve() as host, pytest.raises(EnvironmentMissingError, match="it is no manifest of an image"):
        resolve_image(parse_reference(f"{host}/vllm/x:artifact"))


def test_a_registry_that_cannot_be_reached_is_told_without_a_traceback() -> None:
    with pytest.raises(EnvironmentMissingError, match="gave no usable answer"):
        resolve_image(parse_reference("127.0.0.1:1/vllm/x:index"))
