"""Progress of a running check, shown beside its resource in ``pulumi up``.

A dynamic provider's ``pulumi.log`` reaches nobody, so this speaks to the engine's own logging service, whose address is
the last argument of the provider's process. The messages are the SDK's own protocol, though not a documented interface.
"""

import re
import sys
import time
from collections.abc import Callable

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

__all__ = ["Throttle", "make_reporter", "show"]

CALL_TIMEOUT_S = 5.0
REPEAT_S = 5.0
"""A message that differs from the last one in its figures only is shown this often: a log keeps every one of them."""
_FIGURES = re.compile(r"[0-9]+(\.[0-9]+)?")


class Throttle:
    """Lets news through at once, and new figures of the same news every ``REPEAT_S`` seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._news = ""
        self._said_s = 0.0

    def lets_through(self, message: str) -> bool:
        news = _FIGURES.sub("0", message)
        now = self._clock()
        if news == self._news and now - self._said_s < REPEAT_S:
            return False
        self._news, self._said_s = news, now
        return True


def make_reporter(urn: str) -> Callable[[str], None]:
    """A function that shows a short line in the resource's row; the next line replaces it."""
    throttle = Throttle()

    def report(message: str) -> None:
        if throttle.lets_through(message):
            _log(urn, message, ephemeral=True)

    return report


def show(urn: str, message: str) -> None:
    """Keep a message (a table, say) under the resource in the diagnostics of the run."""
    _log(urn, message, ephemeral=False)


def _log(urn: str, message: str, *, ephemeral: bool) -> None:
    request = engine_pb2.LogRequest(severity=engine_pb2.INFO, message=message, urn=urn, ephemeral=ephemeral)
    try:
        with grpc.insecure_channel(sys.argv[-1]) as channel:
            engine_pb2_grpc.EngineStub(channel).Log(request, timeout=CALL_TIMEOUT_S)
    except (grpc.RpcError, ValueError):
        print(message, flush=True)  # another version of the engine: its plugin host still shows standard output
