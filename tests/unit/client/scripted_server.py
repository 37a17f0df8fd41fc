"""Servers for the tests: one that sends scripted bytes, and one that answers as a small vLLM; both on a free port."""

import asyncio
import atexit
import json
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

FOREVER = 3600.0
EVENT_STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
DONE = b"data: [DONE]\n\n"

Step = bytes | float


def http_answer(body: bytes, *, content_type: str = "application/json", status: str = "200 OK") -> bytes:
    """A whole HTTP answer, as bytes."""
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def token_event(text: str = "a") -> bytes:
    """One event of a streamed completion."""
    return b"data: " + json.dumps({"choices": [{"index": 0, "text": text}]}).encode() + b"\n\n"


@contextmanager
def serve_bytes(*steps: Step, endless: bytes | None = None, certificate: Path | None = None) -> Iterator[str]:
    """The URL of a server that answers every request with ``steps``: bytes to send, seconds to wait; then closes.

    Args:
        steps: in their order.
        endless: sent again and again after them.
        certificate: PEM file with key and certificate; then it speaks TLS.
    """
    tls = None
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _answer(reader, writer, steps, endless)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client hung up, as many of these tests want
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    ready = threading.Event()
    address: list[int] = []
    stopping: list[Callable[[], object]] = []

    async def serve() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
        address.append(server.sockets[0].getsockname()[1])
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        stopping.append(lambda: loop.call_soon_threadsafe(stop.set))
        ready.set()
        await stop.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(10)
        yield f"{'https' if tls else 'http'}://127.0.0.1:{address[0]}"
    finally:
        for call in stopping:
            call()
        thread.join(10)


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, steps: tuple[Step, ...], endless: bytes | None
) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    if "content-length:" in head:
        await reader.readexactly(int(head.split("content-length:")[1].split("\r\n")[0]))
    for step in steps:
        if isinstance(step, bytes):
            writer.write(step)
            await writer.drain()
        else:
            await asyncio.sleep(step)
    while endless is not None:
        writer.write(endless)
        await writer.drain()
        await asyncio.sleep(0.005)


@dataclass
class ModelScript:
    """A small vLLM whose answers a test can change.

    Args:
        message: fields of every chat answer's message; a function of the request's body when it depends on it.
        choice: fields of every chat answer's choice.
        usage: of every chat answer; None leaves it out.
        first_refused_token: the vocabulary's size.
        token_delay_s: between the tokens of a stream.
        answers: whole answers by path, instead of the usual ones.
        requests: every body that came, by path.
    """

    served_name: str = "qwen3.5"
    api_key: str | None = None
    version: dict[str, Any] = field(default_factory=lambda: {"version": "0.32.0"})
    max_model_len: int = 16384
    message: dict[str, Any] | Callable[[dict[str, Any]], dict[str, Any]] = field(default_factory=dict)
    choice: dict[str, Any] = field(default_factory=dict)
    usage: dict[str, int] | None = field(
        default_factory=lambda: {"prompt_tokens": 12, "completion_tokens": 20, "total_tokens": 32}
    )
    first_refused_token: int = 248320
    token_delay_s: float = 0.0
    answers: Mapping[str, Response] = field(default_factory=dict)
    fail_after: int | None = None
    requests: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def think_as_asked(body: dict[str, Any]) -> dict[str, Any]:
    """The message of a right model: Chinese for a Chinese question, thinking unless told not to."""
    content = "我是Qwen3.5。" if "你好" in body["messages"][-1]["content"] else "Qwen3.5 is a family of open models."
    thinks = body.get("chat_template_kwargs", {}).get("enable_thinking", True)
    return {"content": content, "reasoning": "The user wants one sentence." if thinks else None}


_scripts: dict[str, ModelScript] = {}


async def _answer_as_scripted(request: Request) -> Response:
    script = _scripts[request.path_params["name"]]
    path = "/" + request.path_params["path"]
    body = await request.json() if request.method == "POST" else {}
    script.requests.setdefault(path, []).append(body)
    wrong_key = script.api_key and request.headers.get("authorization") != f"Bearer {script.api_key}"
    if wrong_key and path.startswith("/v1"):
        return JSONResponse({"error": "Unauthorized"}, status_code=401)
    if path in script.answers:
        return script.answers[path]
    return _ANSWERS[path](script, body)


class ModelServer:
    """A running server for scripted models, each below a path of its own."""

    def __init__(self) -> None:
        routes = [Route("/{name}/{path:path}", _answer_as_scripted, methods=["GET", "POST"])]
        config = uvicorn.Config(
            Starlette(routes=routes), host="127.0.0.1", port=0, log_level="critical", ws="none", lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        until = time.monotonic() + 120
        while not self._server.started and time.monotonic() < until:
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(10)


@cache
def _shared_server() -> ModelServer:
    """One server for all tests of a run, since starting one takes longer than most tests."""
    server = ModelServer()
    atexit.register(server.stop)
    return server


@contextmanager
def serve_model(script: ModelScript, server: ModelServer | None = None) -> Iterator[str]:
    """The URL of a server that behaves as ``script`` says."""
    name = uuid4().hex
    _scripts[name] = script
    try:
        yield f"{(server or _shared_server()).url}/{name}"
    finally:
        del _scripts[name]


def _version(script: ModelScript, _body: dict[str, Any]) -> Response:
    return JSONResponse(script.version)


def _models(script: ModelScript, _body: dict[str, Any]) -> Response:
    card = {"id": script.served_name, "root": "/models/tiny", "max_model_len": script.max_model_len}
    return JSONResponse({"object": "list", "data": [card]})


def _chat(script: ModelScript, body: dict[str, Any]) -> Response:
    said = script.message(body) if callable(script.message) else (script.message or think_as_asked(body))
    choice = {"index": 0, "message": {"role": "assistant", **said}, "finish_reason": "stop", **script.choice}
    usage = {} if script.usage is None else {"usage": script.usage}
    return JSONResponse({"id": "chatcmpl-1", "choices": [choice], **usage})


def _completion(script: ModelScript, body: dict[str, Any]) -> Response:
    if max(body["prompt"]) >= script.first_refused_token:
        message = f"Token id {max(body['prompt'])} is out of vocabulary"
        return JSONResponse({"error": {"message": message, "code": 400}}, status_code=400)
    count = len(script.requests["/v1/completions"])
    if script.fail_after is not None and count > script.fail_after:
        return JSONResponse({"error": {"message": "the engine is dead"}}, status_code=500)
    if not body.get("stream"):
        return JSONResponse({"choices": [{"text": "a"}]})

    async def write() -> AsyncIterator[bytes]:
        for _ in range(body["max_tokens"]):
            await asyncio.sleep(script.token_delay_s)
            yield token_event()
        usage = {"prompt_tokens": len(body["prompt"]), "completion_tokens": body["max_tokens"]}
        yield b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\n"
        yield DONE

    return StreamingResponse(write(), media_type="text/event-stream")


def _tokenize(_script: ModelScript, body: dict[str, Any]) -> Response:
    tokens = [ord(character) % 97 + 11 for character in body["prompt"]]
    return JSONResponse({"count": len(tokens), "max_model_len": 16384, "tokens": tokens})


_ANSWERS: dict[str, Callable[[ModelScript, dict[str, Any]], Response]] = {
    "/version": _version,
    "/v1/models": _models,
    "/v1/chat/completions": _chat,
    "/v1/completions": _completion,
    "/tokenize": _tokenize,
}
