"""What happens before any endpoint: the API key on vLLM's guarded prefixes, the start-up time, and a broken gateway."""

import asyncio
import hashlib
import secrets
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from qwen_infra.simulator.api_errors import ApiError
from qwen_infra.simulator.simulation import Simulation

__all__ = ["ARRIVED_KEY", "Gate"]

GUARDED_PREFIXES = ("/v1", "/v2", "/inference", "/cohere")
"""vLLM 0.32, entrypoints/serve/middleware/authenticate.py; everything else is open, /invocations included."""

CONTROL_PREFIX = "/simulator"
ARRIVED_KEY = "simulator.arrived_s"
"""Where a request's scope says when it came, on the event loop's clock."""
OPEN_WHILE_STARTING = ("/version", "/metrics")
_HTML = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"


class Gate:
    """Pure ASGI middleware, so that a streamed token passes through no extra layer.

    Args:
        app: what is behind the gate.
        simulation: key, faults and readiness.
    """

    def __init__(self, app: ASGIApp, simulation: Simulation) -> None:
        self._app = app
        self._simulation = simulation
        key = simulation.settings.api_key
        self._key_hash = None if key is None else _hash(key)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        refusal = None
        if scope["type"] == "http":
            scope[ARRIVED_KEY] = asyncio.get_running_loop().time()
            refusal = self._refuse(scope)
        await (self._app if refusal is None else refusal)(scope, receive, send)

    def _refuse(self, scope: Scope) -> Response | None:
        path, faults = scope["path"], self._simulation.faults
        if path.startswith(CONTROL_PREFIX):
            return None
        if faults.is_active("html-error-page"):
            return HTMLResponse(_HTML, 502)
        if scope["method"] != "OPTIONS" and path.startswith(GUARDED_PREFIXES) and not self._has_key(scope):
            return JSONResponse({"error": "Unauthorized"}, 401)
        if not self._simulation.is_ready and path not in OPEN_WHILE_STARTING:
            if path in {"/health", "/ping"}:
                return Response(status_code=503)
            return ApiError(
                "The simulated server is still starting.",
                status=HTTPStatus.SERVICE_UNAVAILABLE,
                kind="ServiceUnavailableError",
            ).as_response()
        return None

    def _has_key(self, scope: Scope) -> bool:
        if self._key_hash is None or self._simulation.faults.is_active("key-unguarded"):
            return True
        scheme, _, key = Headers(scope=scope).get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and secrets.compare_digest(_hash(key), self._key_hash)


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8")).digest()
