"""vLLM's ``--middleware``: ASGI classes by import path, the last one outermost; the simulator's control stays free."""

import importlib
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from qwen_infra.errors import ConfigurationError
from qwen_infra.simulator.middleware import CONTROL_PREFIX

__all__ = ["add_middleware"]


def add_middleware(app: ASGIApp, paths: Sequence[str]) -> ASGIApp:
    """The application behind the classes that ``paths`` name.

    Raises:
        ConfigurationError: a path cannot be imported.
    """
    wrapped = app
    for path in paths:
        module, _, name = path.rpartition(".")
        try:
            wrapped = getattr(importlib.import_module(module), name)(wrapped)
        except (ImportError, AttributeError, ValueError) as error:
            raise ConfigurationError(
                f"cannot be imported: {error}",
                where="--middleware",
                found=path,
                mend="give the import path of an ASGI class: package.module.Class",
            ) from error
    return _FreeControl(app, wrapped) if paths else app


class _FreeControl:
    """Faults are switched on through HTTP, by whoever has no key of the served model."""

    def __init__(self, app: ASGIApp, wrapped: ASGIApp) -> None:
        self._app = app
        self._wrapped = wrapped

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_control = str(scope.get("path", "")).startswith(CONTROL_PREFIX)
        await (self._app if is_control else self._wrapped)(scope, receive, send)
