"""The client of the load generator: streamed requests at the least cost a token, with the same deadlines and errors.

On aiohttp, whose HTTP parser is in C (docs/adr/0070 has the measurement); everything else speaks through
``qwen_infra.client.http``. Nothing is retried or interpreted here.
"""

import asyncio
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

import aiohttp

from qwen_infra.client.chunk import read_refusal
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

__all__ = ["LoadClient", "OnEvent", "StreamingClient"]

OnEvent = Callable[[float, str], None]
"""Called with the moment of arrival (the event loop's clock, seconds) and the data of each event."""

_KEEPALIVE_S = 2.0  # below uvicorn's 5 s, so that no request is sent down a connection that the server is closing
_DRAIN_S = 1.0  # how long the rest of a stream is awaited after its [DONE], to give the connection back
_READ_BUFFER_BYTES = 2**18
_MAX_REFUSAL_BYTES = 2**16


class StreamingClient(Protocol):
    """What the load generator needs of a client; its tests bring one without a network."""

    async def stream(self, path: str, body: bytes, on_event: OnEvent, *, deadlines: Deadlines) -> None:
        """``POST path`` and hand each event of the answer to ``on_event``, up to ``[DONE]``."""


class LoadClient:
    """Streams from one :class:`Endpoint`, any number of requests at once; an asynchronous context manager."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        headers = {"Accept-Encoding": "identity", "Content-Type": "application/json"}
        if self._endpoint.api_key is not None:
            headers["Authorization"] = f"Bearer {self._endpoint.api_key}"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEPALIVE_S, ssl=build_tls(self._endpoint)),
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=None),  # every wait is under the timer of _Watch instead
            proxy=find_proxy(self._endpoint),
            auto_decompress=False,
            read_bufsize=_READ_BUFFER_BYTES,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def stream(self, path: str, body: bytes, on_event: OnEvent, *, deadlines: Deadlines) -> None:
        """``POST path`` and hand each event of the answer to ``on_event(arrived_at_s, data)``, up to ``[DONE]``.

        Raises:
            EndpointError: no stream came, or it broke, stalled, or ended without ``[DONE]``.
        """
        source = f"POST {path}"
        watch = _Watch(deadlines)
        try:
            async with watch:
                await self._stream(path, body, on_event, watch)
        except (aiohttp.ClientError, ConnectionError, ssl.SSLError) as error:  # before TimeoutError, which some are too
            raise self._translate(error, source, deadlines) from error
        except TimeoutError as error:
            raise watch.describe(source) from error
        except EndpointError as error:
            self._redact_error(error)
            raise

    async def _stream(self, path: str, body: bytes, on_event: OnEvent, watch: "_Watch") -> None:
        assert self._session is not None  # it is used as a context manager
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=watch.connect_s)
        url = f"{self._endpoint.url}{path}"
        async with self._session.post(url, data=body, timeout=timeout, allow_redirects=False) as response:
            if response.status >= 300:
                await _refuse_status(response, f"POST {path}")
            if response.content_type != "text/event-stream":
                await _refuse_unstreamed(response, f"POST {path}")
            if not await _read_events(response.content, watch, on_event):
                raise BrokenAnswerError(f"the stream of POST {path} ended without [DONE]")

    def _translate(self, error: Exception, source: str, limits: Deadlines) -> EndpointError:
        reason = self._redact(shorten(str(error))) or type(error).__name__
        url = self._endpoint.url
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return DeadlineExceededError(f"no connection to {url} within {limits.connect_s:g} s", phase="connect")
        if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
            return TlsFailedError(f"no trusted TLS connection to {url}: {reason}")
        if isinstance(error, aiohttp.ClientConnectorError):
            return ConnectionFailedError(f"no connection to {url}: {reason}")
        return BrokenAnswerError(f"the connection broke during {source}: {reason}")

    def _redact_error(self, error: EndpointError) -> None:
        error.what = self._redact(error.what)
        if isinstance(error.found, str):
            error.found = self._redact(error.found)

    def _redact(self, text: str) -> str:
        key = self._endpoint.api_key
        return text.replace(key, "[key]") if key else text


class _Watch:
    """The deadline of the phase that a request is in.

    One timer that looks, when it fires, whether something has come since, and sets itself anew: an arrival costs one
    assignment, where moving a timer with each of them costs more than reading the event.
    """

    def __init__(self, limits: Deadlines) -> None:
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._began_s = self._loop.time()
        self.arrived_s: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None
        self._expired = False

    @property
    def connect_s(self) -> float:
        return self._limits.connect_s

    async def __aenter__(self) -> Self:
        self._task = asyncio.current_task()
        self._look()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        task = self._task
        if self._expired and task is not None and task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _look(self) -> None:
        due_s, now_s = self._find_due_s(), self._loop.time()
        if due_s > now_s:
            # never further off than a stall that begins right now: the first byte may have all of an hour
            self._timer = self._loop.call_at(min(due_s, now_s + self._limits.between_chunks_s), self._look)
        elif self._task is not None:
            self._expired = True
            self._task.cancel()

    def _find_due_s(self) -> float:
        limits = self._limits
        if self.arrived_s is None:
            phase_s = self._began_s + limits.first_byte_s
        else:
            phase_s = self.arrived_s + limits.between_chunks_s
        return min(phase_s, self._began_s + limits.total_s)

    def describe(self, source: str) -> DeadlineExceededError:
        limits = self._limits
        if self._loop.time() >= self._began_s + limits.total_s:
            return DeadlineExceededError(f"{source} was not done within {limits.total_s:g} s", phase="total")
        if self.arrived_s is None:
            what = f"{source} brought nothing within {limits.first_byte_s:g} s"
            return DeadlineExceededError(what, phase="first byte")
        what = f"the answer to {source} stood still for {limits.between_chunks_s:g} s"
        return DeadlineExceededError(what, phase="between chunks")


async def _read_events(content: aiohttp.StreamReader, watch: _Watch, on_event: OnEvent) -> bool:
    """Hand out events until ``[DONE]``; whether it came."""
    feed = SseParser().feed
    now = asyncio.get_running_loop().time
    while True:
        received = await content.readany()
        if not received:
            return False
        arrived_s = now()
        for data in feed(received):
            if data == "[DONE]":
                await _drain(content)
                return True
            on_event(arrived_s, data)
            watch.arrived_s = arrived_s


async def _drain(content: aiohttp.StreamReader) -> None:
    """Read to the end of an answer that is already whole, so that its connection can be used again."""
    try:
        async with asyncio.timeout(_DRAIN_S):
            while not content.at_eof():
                await content.readany()
    except (TimeoutError, aiohttp.ClientError):
        pass


async def _read_beginning(response: aiohttp.ClientResponse) -> bytes:
    """All of a short answer, however it is cut into pieces; ``read`` alone gives the first piece."""
    received = bytearray()
    while len(received) < _MAX_REFUSAL_BYTES and (piece := await response.content.readany()):
        received += piece
    return bytes(received)


async def _refuse_status(response: aiohttp.ClientResponse, source: str) -> None:
    received = await _read_beginning(response)
    message = read_refusal(received, response.headers.get("content-type", ""))
    location = response.headers.get("location")
    if 300 <= response.status < 400 and location:
        message = f"redirects to {shorten(location, 120)}"
    what = f"{source} answered {response.status} {response.reason or ''}".rstrip()
    if message:
        what += f": {message}"
    raise HttpStatusError(what, status=response.status, server_message=message)


async def _refuse_unstreamed(response: aiohttp.ClientResponse, source: str) -> None:
    received = await _read_beginning(response)
    kind = response.headers.get("content-type") or "no content type"
    found = shorten(received.decode("utf-8", "replace"), 120) or None
    raise NotJsonError(f"{source} answered no event stream but {shorten(kind, 60)}", found=found)
