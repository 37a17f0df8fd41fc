"""Progress of a running check, shown beside its resource in ``pulumi up``.

A dynamic provider's ``pulumi.log`` reaches nobody, so this speaks to the engine's own logging service, whose address is
the last argument of the provider's process. The messages are the SDK's own protocol, though not a documented interface.
"""

import sys
from collections.abc import Callable

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

__all__ = ["make_reporter", "show"]

CALL_TIMEOUT_S = 5.0


def make_reporter(urn: str) -> Callable[[str], None]:
    """A function that shows a short line in the resource's row; the next line replaces it."""
    last = ""

    def report(message: str) -> None:
        nonlocal last
        if message != last:
            last = message
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
