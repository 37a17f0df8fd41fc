"""The stand-in's two hosts: the Hub, and the one to which it redirects for large files, as the real one does."""

import json
import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, Any, ClassVar
from urllib.parse import unquote, urlsplit

from qwen_infra.local.hub.faults import HubFaults
from qwen_infra.local.hub.repository import HubRepository, PublishedFile
from qwen_infra.local.ports import LOOPBACK

__all__ = ["HubStandIn", "SentRange", "serve_hub"]

_API = re.compile(r"/api/models/(?P<repository>[^/]+/[^/]+)(?:/(?P<what>revision|tree)/(?P<revision>[^/]+))?")
_FILE = re.compile(r"/(?P<repository>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)")
_LINK = re.compile(r"/linked/(?P<repository>[^/]+/[^/]+)/(?P<revision>[^/]+)/(?P<file>.+)")
_CHUNK = 256 << 10
_SLOW_CHUNK = 16 << 10
"""At a limited rate, so that little more than what a client has taken was sent when it dies."""
_SILENCE_STEP_S = 0.2


@dataclass
class SentRange:
    """Bytes of one file that were really sent: ``start`` to ``end``, which grows while they are."""

    name: str
    start: int
    end: int


@dataclass
class HubStandIn:
    """The running stand-in. ``endpoint`` is what HF_ENDPOINT takes.

    ``fallback``: what every repository that is not among ``repositories`` holds; None: it does not exist.
    """

    repositories: dict[str, HubRepository]
    fallback: HubRepository | None = None
    faults: HubFaults = field(default_factory=HubFaults)
    endpoint: str = ""
    link_host: str = ""
    sent: list[SentRange] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    leaked_tokens: int = 0
    """Requests to the second host that carried a token meant for the first."""
    stopping: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    sent_bytes: int = 0

    def find(self, name: str) -> HubRepository | None:
        """The repository of that name."""
        found = self.repositories.get(name)
        return found or (replace(self.fallback, name=name) if self.fallback and name else None)

    def begin(self, name: str, start: int) -> SentRange:
        """A body begins; in the order of ``sent``."""
        with self._lock:
            self.sent.append(SentRange(name, start, start))
            return self.sent[-1]

    def count(self, sent: int) -> None:
        with self._lock:
            self.sent_bytes += sent
            total = self.sent_bytes
        if self.faults.on_bytes:
            self.faults.on_bytes(total)


@contextmanager
def serve_hub(
    repositories: Sequence[HubRepository],
    *,
    fallback: HubRepository | None = None,
    host: str = LOOPBACK,
    port: int = 0,
) -> Iterator[HubStandIn]:
    """Serve until the block ends, on a free port of this machine unless one is given."""
    hub = HubStandIn({repository.name: repository for repository in repositories}, fallback)
    with _listen(hub, host, port) as address, _listen(hub, host, 0) as link_address:
        hub.endpoint, hub.link_host = address, link_address
        try:
            yield hub
        finally:
            hub.stopping.set()


@contextmanager
def _listen(hub: HubStandIn, host: str, port: int) -> Iterator[str]:
    handler = type("Handler", (_Handler,), {"hub": hub})
    with _Server((host, port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://{host}:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up, as many tests want; any other fault shows in the answer."""


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    hub: ClassVar[HubStandIn]
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        self._route()

    def do_HEAD(self) -> None:
        self._route()

    def log_message(self, format: str, *args: Any) -> None:
        del format, args

    def _route(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        if match := _LINK.fullmatch(path):
            if self.headers.get("Authorization"):
                self.hub.leaked_tokens += 1
            repository = self.hub.find(match["repository"])
            if repository is not None and not self._refuse("links"):
                self._send_file(match["file"], repository.find_files(match["revision"])[match["file"]])
            return
        match = _API.fullmatch(path) or _FILE.fullmatch(path)
        if match is None:
            self._answer(404)
        elif not self._refuse("api" if path.startswith("/api/") else "files"):
            self._route_repository(match.groupdict())

    def _refuse(self, kind: str) -> bool:
        if kind == "api" and self.hub.faults.take_hang():
            self._be_silent()
            return True
        refusal = self.hub.faults.take_refusal(kind)
        if refusal:
            self._answer(refusal.status, dict(refusal.headers))
        return refusal is not None

    def _route_repository(self, asked: Mapping[str, str | None]) -> None:
        repository = self.hub.find(asked["repository"] or "")
        if repository is None or not self._may_see(repository):
            self._answer(401, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
            return
        if repository.gated:
            self._answer(403, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access to this model is restricted"})
            return
        commit = repository.resolve(asked["revision"] or "main")
        if commit is None:
            self._answer(404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"})
        elif name := asked.get("file"):
            self._route_file(repository, commit, name)
        elif asked["what"] == "tree":
            self._send_json([file.describe(name) for name, file in repository.find_files(commit).items()])
        else:
            siblings = [{"rfilename": name} for name in repository.find_files(commit)]
            self._send_json({"id": repository.name, "sha": commit, "private": False, "siblings": siblings})

    def _may_see(self, repository: HubRepository) -> bool:
        return repository.token is None or self.headers.get("Authorization") == f"Bearer {repository.token}"

    def _route_file(self, repository: HubRepository, commit: str, name: str) -> None:
        file = repository.find_files(commit).get(name)
        if file is None:
            self._answer(404, {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"})
        elif file.sha256:
            headers = {
                "Location": f"{self.hub.link_host}/linked/{repository.name}/{commit}/{name}",
                "X-Linked-Etag": f'"{file.etag}"',
                "X-Linked-Size": str(file.size),
                "X-Repo-Commit": commit,
            }
            self._answer(302, headers)
        else:
            self._send_file(name, file, {"X-Repo-Commit": commit})

    def _send_json(self, document: Any) -> None:
        body = json.dumps(document).encode()
        self._head(200, {"Content-Type": "application/json", "Content-Length": str(len(body))})
        if self.command == "GET":
            self.wfile.write(body)

    def _answer(self, status: int, headers: Mapping[str, str] | None = None) -> None:
        self._head(status, {**(headers or {}), "Content-Length": "0"})

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send_file(self, name: str, file: PublishedFile, headers: Mapping[str, str] | None = None) -> None:
        size = self.hub.faults.truncate.get(name, file.size)
        etag = f'"{file.etag}"'
        start = self._asked_start(etag)
        described = {**(headers or {}), "ETag": etag, "Accept-Ranges": "bytes", "Content-Length": str(size - start)}
        if start:
            described["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        self._head(206 if start else 200, described)
        if self.command == "GET":
            self._send_bytes(name, file, start, size)

    def _asked_start(self, etag: str) -> int:
        """Where an open range begins; 0 for none, and when ``If-Range`` names another content."""
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if match is None or self.hub.faults.ignore_ranges or self.headers.get("If-Range", etag) != etag:
            return 0
        return int(match[1])

    def _send_bytes(self, name: str, file: PublishedFile, start: int, size: int) -> None:
        faults, at = self.hub.faults, start
        end = min(size, start + faults.cut_after) if faults.cut_after else size
        stalls_at = start + faults.stall_after if faults.take_stall() else None
        flips_at = start if faults.take_flip(name) else None
        sent = self.hub.begin(name, start)
        if faults.bytes_per_second:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * _SLOW_CHUNK)
        with file.path.open("rb") as source:
            while at < end:
                chunk = _SLOW_CHUNK if faults.bytes_per_second else _CHUNK
                stop = min(end, at + chunk, stalls_at if stalls_at is not None and stalls_at > at else end)
                self._send_chunk(source, at, stop, flip=flips_at == at)
                at = sent.end = stop
                if at == stalls_at:
                    self._be_silent(source if faults.trickle else None)
                    return
        if end < size:
            self._cut()

    def _send_chunk(self, source: IO[bytes], at: int, stop: int, *, flip: bool) -> None:
        faults = self.hub.faults
        if flip:
            source.seek(at)
            data = bytearray(source.read(stop - at))
            data[0] ^= 1
            self.wfile.write(data)
        else:
            self.connection.sendfile(source, at, stop - at)  # leaves the source's position behind it
        self.hub.count(stop - at)
        if faults.bytes_per_second:
            time.sleep((stop - at) / faults.bytes_per_second)

    def _be_silent(self, trickle: IO[bytes] | None = None) -> None:
        """Say nothing, or a byte now and then, until the client has enough."""
        self.close_connection = True
        while not self.hub.stopping.wait(_SILENCE_STEP_S):
            if trickle is not None:
                self.wfile.write(trickle.read(1))
            elif _has_hung_up(self.connection):
                return

    def _cut(self) -> None:
        """End the connection in the middle of a body."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def _has_hung_up(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
