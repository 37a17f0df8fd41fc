"""The client: JSON requests and streamed ones to one endpoint, each under deadlines, each error one of ours.

Times are ``time.perf_counter`` seconds. No request is sent twice and nothing is interpreted here: cases and metrics do
that. Only a connection that did not come about in time is tried again, since nothing was sent on it yet, and counted.
"""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

import httpx

from qwen_infra.client.chunk import parse_body, read_refusal
from qwen_infra.client.endpoint import Deadlines, Endpoint, build_tls
from qwen_infra.client.errors import (
    BrokenAnswerError,
    ConnectionFailedError,
    DeadlineExceededError,
    EndpointError,
    HttpStatusError,
    NotJsonError,
    TlsFailedError,
    shorten,
)
from qwen_infra.client.proxies import find_proxy
from qwen_infra.client.sse import SseParser

__all__ = ["MAX_BODY_BYTES", "InferenceClient", "JsonReply", "LateConnections", "encode_body"]

MAX_BODY_BYTES = 64 * 1024 * 1024
"""Largest whole answer that is read, in bytes."""

_KEEPALIVE_S = 2.0  # below uvicorn's 5 s, so that no request is sent down a connection that the server is closing
_DRAIN_S = 1.0  # how long the rest of a stream is awaited after its [DONE], to give the connection back


@dataclass(frozen=True, slots=True)
class JsonReply:
    """A successful JSON answer.

    Args:
        payload: the parsed JSON.
        status: the HTTP status code.
        duration_s: from sending to the last byte.
        request_id: the ``x-request-id`` header, or the answer's ``id``; None when it has neither.
    """

    payload: Any
    status: int
    duration_s: float
    request_id: str | None


@dataclass(slots=True)
class LateConnections:
    """How many attempts to connect ran out of time and were followed by another."""

    count: int = 0


class InferenceClient:
    """Asks one :class:`Endpoint`; use it as an asynchronous context manager.

    Args:
        endpoint: where, which model, which key.
        deadlines: used where a request brings none of its own.
        max_body_bytes: largest answer that is read, whole or streamed.
        late_connections: where connections that had to be tried again are counted; a tally of its own when not given.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        deadlines: Deadlines | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
        late_connections: LateConnections | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.late_connections = late_connections or LateConnections()
        self._max_body_bytes = max_body_bytes
        self._deadlines = deadlines or Deadlines()
        headers = {"Accept-Encoding": "identity"}
        if endpoint.api_key is not None:
            headers["Authorization"] = f"Bearer {endpoint.api_key}"
        tls = build_tls(endpoint)
        self._http = httpx.AsyncClient(
            base_url=endpoint.url,
            headers=headers,
            verify=tls,
            proxy=find_proxy(endpoint),
            trust_env=False,
            timeout=None,  # every wait is under the timer of _Watch instead
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=_KEEPALIVE_S),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    def as_caller(self, api_key: str | None) -> Self:
        """Another client of the same server with another key or none; late connections count together."""
        return type(self)(
            replace(self.endpoint, api_key=api_key),
            deadlines=self._deadlines,
            max_body_bytes=self._max_body_bytes,
            late_connections=self.late_connections,
        )

    async def get_json(self, path: str, *, deadlines: Deadlines | None = None) -> JsonReply:
        """``GET path``.

        Raises:
            EndpointError: anything but a success with JSON.
        """
        return await self._request_json("GET", path, None, deadlines or self._deadlines)

    async def get_text(self, path: str, *, deadlines: Deadlines | None = None) -> str:
        """The text that ``GET path`` answers.

        Raises:
            EndpointError: anything but a success.
        """
        async with self._send("GET", path, None, deadlines or self._deadlines) as (response, watch):
            return (await _read_body(response, watch, self._max_body_bytes)).decode("utf-8", "replace")

    async def post_json(self, path: str, body: dict[str, Any], *, deadlines: Deadlines | None = None) -> JsonReply:
        """``POST path`` with a JSON body.

        Raises:
            EndpointError: anything but a success with JSON.
        """
        return await self._request_json("POST", path, encode_body(body), deadlines or self._deadlines)

    async def stream(
        self,
        path: str,
        body: bytes,
        on_event: Callable[[float, str], bool | None],
        *,
        deadlines: Deadlines | None = None,
        end: str = "[DONE]",
    ) -> None:
        """``POST path`` and hand each event of the answer to ``on_event(arrived_at, data)``, up to ``[DONE]``.

        A callback, not an iterator: a deadline can then reach every wait, and a token costs no generator steps.

        Args:
            path: where to.
            body: the request's JSON.
            on_event: takes an event; True says that it was the last, for protocols that send no ``[DONE]``.
            deadlines: instead of the client's own.
            end: what ends the stream, for the message when it does not come.

        Raises:
            EndpointError: no stream came, or it broke, stalled, or ended without its last event.
        """
        limits = deadlines or self._deadlines
        source = f"POST {path}"
        async with self._send("POST", path, body, limits) as (response, watch):
            if not response.headers.get("content-type", "").startswith("text/event-stream"):
                await self._refuse_unstreamed(response, source)
            if not await _read_events(response, watch, on_event, self._max_body_bytes):
                raise BrokenAnswerError(f"the stream of {source} ended without {end}")

    async def _request_json(self, method: str, path: str, body: bytes | None, limits: Deadlines) -> JsonReply:
        sent_at = time.perf_counter()
        async with self._send(method, path, body, limits) as (response, watch):
            received = await _read_body(response, watch, self._max_body_bytes)
            payload = _parse_response(response, received, source=f"{method} {path}")
        identity = payload.get("id") if isinstance(payload, dict) else None
        return JsonReply(
            payload=payload,
            status=response.status_code,
            duration_s=time.perf_counter() - sent_at,
            request_id=response.headers.get("x-request-id") or (identity if isinstance(identity, str) else None),
        )

    @asynccontextmanager
    async def _send(
        self, method: str, path: str, body: bytes | None, limits: Deadlines
    ) -> AsyncIterator[tuple[httpx.Response, "_Watch"]]:
        headers = {"Content-Type": "application/json"} if body is not None else None
        timeout = httpx.Timeout(None, connect=limits.connect_s)
        request = self._http.build_request(method, path, content=body, headers=headers, timeout=timeout)
        watch = _Watch(limits)
        source = f"{method} {path}"
        try:
            async with watch.timer:
                response = await self._send_once_connected(request, limits)
                try:
                    if not response.is_success:
                        await self._refuse_status(response, watch, source)
                    yield response, watch
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise watch.describe(source) from error
        except httpx.ConnectTimeout as error:
            tried = f", tried {limits.affordable_attempts} times" if limits.affordable_attempts > 1 else ""
            what = f"no connection to {self.endpoint.url} within {limits.connect_s:g} s{tried}"
            raise DeadlineExceededError(what, phase="connect") from error
        except httpx.HTTPError as error:
            raise self._translate(error, source) from error
        except EndpointError as error:
            error.what = self._redact(error.what)
            if isinstance(error.found, str):
                error.found = self._redact(error.found)
            raise

    async def _send_once_connected(self, request: httpx.Request, limits: Deadlines) -> httpx.Response:
        """A server whose queue is full for seconds, or a process of ours that got no processor, is no missing server.

        The timer of an attempt fires as well when this process stood still while the connection came about.
        """
        for _ in range(limits.affordable_attempts - 1):
            try:
                return await self._http.send(request, stream=True)
            except httpx.ConnectTimeout:
                self.late_connections.count += 1
        return await self._http.send(request, stream=True)

    async def _refuse_status(self, response: httpx.Response, watch: "_Watch", source: str) -> None:
        received = await _read_body(response, watch, self._max_body_bytes)
        message = read_refusal(received, response.headers.get("content-type", ""))
        location = response.headers.get("location")
        if response.is_redirect and location:
            message = f"redirects to {shorten(location, 120)}"
        message = self._redact(message)
        what = f"{source} answered {response.status_code} {response.reason_phrase}".rstrip()
        if message:
            what += f": {message}"
        raise HttpStatusError(what, status=response.status_code, server_message=message)

    async def _refuse_unstreamed(self, response: httpx.Response, source: str) -> None:
        received = b""
        async for piece in response.aiter_raw():
            received += piece
            if len(received) > 65536:
                break
        kind = response.headers.get("content-type") or "no content type"
        text = received.decode("utf-8", "replace")
        raise NotJsonError(
            f"{source} answered no event stream but {shorten(kind, 60)}", found=shorten(text, 120) or None
        )

    def _translate(self, error: httpx.HTTPError, source: str) -> EndpointError:
        reason = self._redact(shorten(str(error))) or type(error).__name__
        if isinstance(error, httpx.ConnectError):
            if _is_tls_failure(error):
                return TlsFailedError(f"no trusted TLS connection to {self.endpoint.url}: {reason}")
            return ConnectionFailedError(f"no connection to {self.endpoint.url}: {reason}")
        return BrokenAnswerError(f"the connection broke during {source}: {reason}")

    def _redact(self, text: str) -> str:
        key = self.endpoint.api_key
        return text.replace(key, "[key]") if key else text


class _Watch:
    """The deadline that applies now: one timer, moved on with each event, never beyond the total."""

    def __init__(self, limits: Deadlines) -> None:
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._last_moment = self._loop.time() + limits.total_s
        self._phase, self._phase_s = "first byte", limits.first_byte_s
        self.timer = asyncio.timeout_at(min(self._loop.time() + limits.first_byte_s, self._last_moment))

    def note_arrival(self) -> None:
        self._phase, self._phase_s = "between chunks", self._limits.between_chunks_s
        self.timer.reschedule(min(self._loop.time() + self._phase_s, self._last_moment))

    def describe(self, source: str) -> DeadlineExceededError:
        if self._loop.time() >= self._last_moment:
            return DeadlineExceededError(f"{source} was not done within {self._limits.total_s:g} s", phase="total")
        if self._phase == "first byte":
            what = f"{source} brought nothing within {self._phase_s:g} s"
        else:
            what = f"the answer to {source} stood still for {self._phase_s:g} s"
        return DeadlineExceededError(what, phase=self._phase)


async def _read_events(
    response: httpx.Response, watch: _Watch, on_event: Callable[[float, str], bool | None], max_bytes: int
) -> bool:
    """Hand out events until the last; whether it came."""
    parser = SseParser()
    pieces = response.aiter_raw()
    left_bytes = max_bytes
    async for received in pieces:
        left_bytes -= len(received)
        if left_bytes < 0:
            raise BrokenAnswerError(f"the answer is larger than {max_bytes} bytes")
        arrived_at = time.perf_counter()
        events = parser.feed(received)
        for data in events:
            if data == "[DONE]" or on_event(arrived_at, data):
                await _drain(pieces)
                return True
        if events:
            watch.note_arrival()
    return False


async def _drain(pieces: AsyncIterator[bytes]) -> None:
    """Read to the end of an answer that is already whole, so that its connection can be used again."""
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(_DRAIN_S):
            async for _ in pieces:
                pass


async def _read_body(response: httpx.Response, watch: _Watch, max_body_bytes: int) -> bytes:
    received = bytearray()
    async for piece in response.aiter_raw():
        received += piece
        watch.note_arrival()
        if len(received) > max_body_bytes:
            raise BrokenAnswerError(f"the answer is larger than {max_body_bytes} bytes")
    return bytes(received)


def _parse_response(response: httpx.Response, received: bytes, *, source: str) -> Any:
    return parse_body(
        received,
        source=source,
        content_type=response.headers.get("content-type", ""),
        server=response.headers.get("server", ""),
    )


def _is_tls_failure(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def encode_body(body: dict[str, Any]) -> bytes:
    """The JSON bytes of a request's body; a lone surrogate, which UTF-8 cannot say, becomes a question mark."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
