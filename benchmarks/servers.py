"""A server in a process of its own while something is measured."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

__all__ = ["serve"]


@contextmanager
def serve(
    command: Sequence[str], url: str, *, within_s: float, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run ``command`` until the block ends, which begins once ``/health`` answers at ``url``.

    A server that does not come up ends the program with the last of its log.
    """
    with tempfile.NamedTemporaryFile("w+", suffix=".log") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            until = time.monotonic() + within_s
            while not _is_healthy(url):
                if server.poll() is not None or time.monotonic() > until:
                    sys.exit(f"{command[0]} did not start:\n{Path(log.name).read_text()[-3000:]}")
                time.sleep(0.2)
            yield url
        finally:
            server.terminate()
            server.wait(60)


def _is_healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
