"""ASGI middleware for vLLM: every path needs a key, except the listed ones, and keys change without a restart.

vLLM's own ``--api-key`` guards ``/v1``, ``/v2``, ``/inference`` and ``/cohere`` only (0.32,
``entrypoints/serve/middleware/authenticate.py``), so that ``/invocations`` answers anybody; and it reads its key once,
so that another key costs a reload of the weights. This one file is mounted into the server's container and given by
``--middleware gatekeeper.Gatekeeper``; it uses the standard library only. vLLM keeps guarding its paths with the key
of its start (``VLLM_API_KEY``), which a request that was let in here is given.

It also tells which commit lies in the folder that is served (``/qwen-infra/weights``): vLLM knows a path only.

Environment: ``QWEN_INFRA_KEY_FOLDER`` (the mounted Secret), ``QWEN_INFRA_KEYS`` (file names in it, by commas; those
that exist count), ``QWEN_INFRA_OPEN_PATHS`` (paths that need no key, by commas), ``QWEN_INFRA_MODEL_FOLDER``.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

__all__ = ["WEIGHTS_PATH", "Gatekeeper", "KeyFolder"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

WEIGHTS_PATH = "/qwen-infra/weights"
MANIFEST = ".qwen-infra-manifest.json"
"""Written by the downloader as its last act (``qwen_infra/download/manifest.py``)."""
MANIFEST_KEYS = ("repository", "revision", "commit", "digest", "completed_at")
POLICY_VIOLATION = 1008
"""WebSocket close code (RFC 6455, section 7.4.1)."""


class KeyFolder:
    """The accepted keys, as digests; read again when a file of the folder changed."""

    def __init__(self, folder: Path, names: tuple[str, ...]) -> None:
        self._paths = tuple(folder / name for name in names)
        self._seen: tuple[tuple[int, int, int] | None, ...] = ()
        self._digests: tuple[bytes, ...] = ()

    def accepts(self, key: str) -> bool:
        """Whether ``key`` is one of the keys as they are now; takes the same time for each that is not."""
        self._refresh()
        digest = hashlib.sha256(key.encode()).digest()
        found = False
        for known in self._digests:
            found |= secrets.compare_digest(digest, known)
        return found

    def _refresh(self) -> None:
        seen = tuple(_fingerprint(path) for path in self._paths)
        if seen != self._seen:
            keys = (_read(path) for path in self._paths)
            self._digests = tuple(hashlib.sha256(key).digest() for key in keys if key)
            self._seen = seen


class Gatekeeper:
    """Answers 401 as vLLM does, or passes the request on with the key that vLLM knows."""

    def __init__(self, app: App, environment: Mapping[str, str] = os.environ) -> None:
        self._app = app
        self._keys = KeyFolder(Path(environment["QWEN_INFRA_KEY_FOLDER"]), _words(environment["QWEN_INFRA_KEYS"]))
        self._open = frozenset(_words(environment.get("QWEN_INFRA_OPEN_PATHS", "")))
        self._own_key = environment["VLLM_API_KEY"]
        self._model_folder = Path(environment.get("QWEN_INFRA_MODEL_FOLDER", "/nowhere"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"} or scope.get("method") == "OPTIONS" or self._is_open(scope):
            await self._app(scope, receive, send)
        elif self._keys.accepts(_bearer(scope)) and _path(scope) == WEIGHTS_PATH and scope["type"] == "http":
            await self._tell_weights(send)
        elif self._keys.accepts(_bearer(scope)):
            own = (b"authorization", f"Bearer {self._own_key}".encode())
            others = [pair for pair in scope["headers"] if pair[0].lower() != b"authorization"]
            await self._app({**scope, "headers": [*others, own]}, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        else:
            await _answer(send, 401, {"error": "Unauthorized"})

    def _is_open(self, scope: Scope) -> bool:
        return _path(scope) in self._open

    async def _tell_weights(self, send: Send) -> None:
        try:
            manifest = json.loads(_read(self._model_folder / MANIFEST))
            found = {key: manifest[key] for key in MANIFEST_KEYS}
        except (ValueError, KeyError, TypeError):
            await _answer(send, 404, {"error": "the served folder has no manifest, so nobody knows its commit"})
        else:
            await _answer(send, 200, found)


def _path(scope: Scope) -> str:
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    return path


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split(",") if word)


def _fingerprint(path: Path) -> tuple[int, int, int] | None:
    """Changes with the content, also when a kubelet swaps the whole folder behind a link."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes().strip()
    except OSError:
        return b""


def _bearer(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name.lower() == b"authorization":
            scheme, _, key = value.decode("latin-1").partition(" ")
            if scheme.lower() == "bearer":
                return str(key)
    return ""


async def _answer(send: Send, status: int, value: Mapping[str, Any]) -> None:
    body = json.dumps(value).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
