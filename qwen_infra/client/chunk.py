"""Reading the JSON that a model server sends: whole bodies, events of a stream, and error messages.

Pure functions from text to plain values or to one of this package's errors. No network here.
"""

import json
import re
from typing import Any

from qwen_infra.client.errors import BrokenAnswerError, NotJsonError, ServerFaultError, shorten

__all__ = ["describe_stranger", "parse_body", "parse_event", "read_refusal", "read_server_message"]


def parse_body(body: bytes, *, source: str, content_type: str = "", server: str = "") -> Any:
    """The JSON value of a whole answer.

    Args:
        body: what came.
        source: what was asked, for the message: ``GET /v1/models``.
        content_type: the answer's ``Content-Type``.
        server: the answer's ``Server`` header.

    Raises:
        NotJsonError: it is HTML, empty, or other text; says what it seems to be.
        BrokenAnswerError: it is not UTF-8.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"{source} answered bytes that are not UTF-8 ({error.reason} at byte {error.start})"
        raise BrokenAnswerError(what) from error
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        stranger = describe_stranger(text, content_type=content_type, server=server)
        raise NotJsonError(f"{source} answered {stranger} instead of JSON", expected="a model server's URL") from error


def parse_event(data: str) -> dict[str, Any]:
    """The JSON object of one event of a stream.

    Raises:
        ServerFaultError: it reports an error.
        BrokenAnswerError: it is no JSON object.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BrokenAnswerError("an event of the stream is not JSON", found=shorten(data, 80)) from error
    if not isinstance(value, dict):
        raise BrokenAnswerError("an event of the stream is not a JSON object", found=shorten(data, 80))
    if value.get("error"):
        raise ServerFaultError(f"the server reported an error in the stream: {read_server_message(value)}")
    return value


def read_server_message(payload: object) -> str:
    """The message in an error answer, shortened; empty when there is none.

    vLLM 0.32 sends ``{"error": {"message": ...}}``, and ``{"error": "Unauthorized"}`` from its key guard.
    """
    if not isinstance(payload, dict):
        return ""
    for key in ("error", "message", "detail"):
        value = payload.get(key)
        if isinstance(value, dict):
            value = value.get("message")
        if isinstance(value, str) and value:
            return shorten(value)
    return ""


def read_refusal(received: bytes, content_type: str) -> str:
    """What a server says beside a status of 300 or more, or what it sent instead of saying something."""
    text = received.decode("utf-8", "replace")
    try:
        return read_server_message(json.loads(text))
    except (ValueError, RecursionError):
        return describe_stranger(text, content_type=content_type) if text.strip() else ""


def describe_stranger(text: str, *, content_type: str = "", server: str = "") -> str:
    """What a text that is not JSON seems to be, in a few words."""
    behind = f" from {shorten(server, 40)}" if server else ""
    if not text.strip():
        return f"an empty body{behind}"
    if "html" in content_type.lower() or re.match(r"\s*<(!doctype html|html)", text, re.IGNORECASE):
        title = re.search(r"<title[^>]*>([^<]{0,200})", text[:65536], re.IGNORECASE)
        titled = f' titled "{shorten(title.group(1), 60)}"' if title and title.group(1).strip() else ""
        return f"HTML{titled}{behind}"
    kind = "broken JSON" if text.lstrip()[0] in "{[" else "text"
    return f'{kind} beginning "{shorten(text, 60)}"{behind}'
