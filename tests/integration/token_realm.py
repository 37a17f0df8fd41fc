"""The token server that a registry with ``auth: token`` sends its clients to (distribution's "Token Authentication").

It signs with an RSA key made here (RFC 8017, RSASSA-PKCS1-v1_5 with SHA-256): enough for a test's registry that trusts
the key, and no reason for one more dependency.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY_ID = "test"
ISSUER, SERVICE = "test-realm", "test-registry"
_SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")


@dataclass(frozen=True)
class RsaKey:
    """A key of 2048 bits."""

    modulus: int
    private: int
    exponent: int = 65537

    def sign(self, message: bytes) -> bytes:
        tail = _SHA256_PREFIX + hashlib.sha256(message).digest()
        padded = b"\x00\x01" + b"\xff" * (256 - 3 - len(tail)) + b"\x00" + tail
        return pow(int.from_bytes(padded), self.private, self.modulus).to_bytes(256)

    def to_jwks(self) -> dict[str, Any]:
        """As the registry's ``jwks`` file holds it."""
        numbers = {"n": self.modulus.to_bytes(256), "e": self.exponent.to_bytes(3)}
        encoded = {name: _encode(value) for name, value in numbers.items()}
        return {"keys": [{"kty": "RSA", "kid": KEY_ID, "use": "sig", "alg": "RS256", **encoded}]}


@cache
def make_key() -> RsaKey:
    """One key for all tests of a run."""
    while True:
        first, second = _find_prime(), _find_prime()
        order = (first - 1) * (second - 1)
        if (first * second).bit_length() == 2048 and order % 65537:
            return RsaKey(first * second, pow(65537, -1, order))


def _find_prime() -> int:
    while True:
        candidate = secrets.randbits(1024) | (3 << 1022) | 1
        if all(candidate % small for small in (3, 5, 7, 11, 13, 17, 19, 23)) and pow(2, candidate - 1, candidate) == 1:
            return candidate


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def make_token(scope: str | None) -> str:
    """A token for what was asked (``repository:NAME:ACTIONS``)."""
    access = []
    if scope:
        kind, name, actions = scope.split(":")
        access = [{"type": kind, "name": name, "actions": actions.split(",")}]
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": SERVICE, "sub": "", "iat": now, "nbf": now - 60, "exp": now + 600, "jti": "1"}
    head = {"typ": "JWT", "alg": "RS256", "kid": KEY_ID}
    signed = ".".join(_encode(json.dumps(part).encode()) for part in (head, {**claims, "access": access}))
    return f"{signed}.{_encode(make_key().sign(signed.encode()))}"


@contextmanager
def serve_realm(account: tuple[str, str] | None = None) -> Iterator[str]:
    """URL of the realm; with an account, nobody else gets a token."""
    wanted = None if account is None else f"Basic {base64.b64encode(':'.join(account).encode()).decode()}"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            refused = wanted is not None and self.headers.get("Authorization") != wanted
            query = parse_qs(urlsplit(self.path).query)
            body = {} if refused else {"token": make_token(query.get("scope", [None])[0])}
            encoded = json.dumps(body).encode()
            self.send_response(401 if refused else 200)
            self.send_header("Content-Length", str(len(encoded)))
            self.end_headers()
            self.wfile.write(encoded)

        def log_message(self, *_: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/token"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
