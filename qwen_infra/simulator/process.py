"""The simulator in a process of its own, for tests and measurements whose client must not share its processor time."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["run_simulator"]

_LISTENING = "listening on "


@contextmanager
def run_simulator(*options: str, api_key: str) -> Iterator[str]:
    """The URL of a simulator on a free port; its process is gone afterwards.

    Args:
        options: of ``python -m qwen_infra.simulator``, beside ``--port``.
        api_key: the key that it wants.

    Raises:
        RuntimeError: it ended before it listened; what it said stands on standard error.
    """
    command = [sys.executable, "-m", "qwen_infra.simulator", "--port", "0", *options]
    environment = {**os.environ, "VLLM_API_KEY": api_key}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            told = next((line for line in process.stdout if line.startswith(_LISTENING)), None)
            if told is None:
                raise RuntimeError(f"the simulator ended with exit code {process.wait()}")
            yield told.removeprefix(_LISTENING).strip()
        finally:
            process.kill()
