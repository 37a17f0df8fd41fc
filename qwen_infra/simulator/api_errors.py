"""Errors that go to an HTTP client, in vLLM's body shape. Errors for whoever starts the simulator are elsewhere."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError
from starlette.responses import Response

__all__ = ["ApiError", "answer_error", "describe_validation", "odd_shapes_refused", "refuse_unsimulated"]

MAX_REPORTED_ERRORS = 10


class ApiError(Exception):
    """One ``{"error": {...}}`` body; ``str(error)`` is its message."""

    def __init__(
        self,
        message: str,
        *,
        status: HTTPStatus = HTTPStatus.BAD_REQUEST,
        kind: str = "BadRequestError",
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": status.value}}

    @classmethod
    def invalid(cls, message: str, param: str, value: object = None) -> "ApiError":
        """As vLLM's VLLMValidationError: the parameter and, where it is told, the value stand behind the message."""
        told = f"parameter={param}" if value is None else f"parameter={param}, value={value}"
        return cls(f"{message} ({told})", param=param)

    @classmethod
    def server(cls, message: str) -> "ApiError":
        """An error 500 of the engine."""
        return cls(message, status=HTTPStatus.INTERNAL_SERVER_ERROR, kind="InternalServerError")

    def as_response(self) -> Response:
        """The JSON response."""
        return answer_error(self.body, self.status)


def answer_error(body: dict[str, Any], status: HTTPStatus) -> Response:
    """A JSON response that may repeat what the request said, even a lone surrogate, which UTF-8 cannot say."""
    text = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return Response(text, status, media_type="application/json")


@contextmanager
def odd_shapes_refused(what: str) -> Iterator[None]:
    """Refuse a part of a request that is no object, list, text or number where one is read.

    Args:
        what: how the message begins, in vLLM's words.

    Raises:
        ApiError: in place of the error that reading it gave.
    """
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, ValidationError):  # which says itself what is wrong where
            raise
        raise ApiError(f"{what}: {error}", kind="Bad Request", param="body") from error


def describe_validation(error: ValidationError) -> ApiError:
    """A body that does not fit the request model, in vLLM's words (``1 validation error: ...``)."""
    errors = error.errors(include_url=False, include_context=False)
    label = "error" if len(errors) == 1 else "errors"
    lines = [f"{len(errors)} validation {label}:"]
    for item in errors[:MAX_REPORTED_ERRORS]:
        told: dict[str, Any] = {"type": item["type"], "loc": _join(item["loc"]), "msg": item["msg"]}
        lines.append(f"  {told | {'input': _shorten(item['input'])}}")
    if len(errors) > MAX_REPORTED_ERRORS:
        lines.append(f"  ...and {len(errors) - MAX_REPORTED_ERRORS} more {label}")
    return ApiError("\n".join(lines), kind="Bad Request", param=_join(errors[0]["loc"]))


def refuse_unsimulated(parameter: str, value: object) -> ApiError:
    """A parameter that vLLM knows and this server does not simulate."""
    message = f"`{parameter}` is not simulated: this server is a simulation of vLLM 0.32."
    return ApiError.invalid(message, parameter, _shorten(value))


def _join(location: tuple[str | int, ...]) -> str:
    # pydantic names the branch of a union in the location; vLLM leaves these out.
    parts = [str(part) for part in location if str(part) not in {"str", "int"} and not set(str(part)) & set("[](){}")]
    return ".".join(["body", *parts])


def _shorten(value: object) -> object:
    if isinstance(value, dict | list | tuple):
        return f"<{type(value).__name__} of {len(value)} items>"
    text = str(value)
    return text[:200] + "...[truncated]" if len(text) > 200 else value
