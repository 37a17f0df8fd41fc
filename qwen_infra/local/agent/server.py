"""The process of one container: started in a process group of its own, its output written as a container's log.

Which command it runs is decided elsewhere (translate.py); when it is started again, by the pod's worker.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Self

import httpx

from qwen_infra.local.processes import identify, signal_group

__all__ = ["ContainerLog", "ContainerProcess", "ServerProcess", "minimal_environment"]

_HEALTH_TIMEOUT_S = 5


class ContainerLog:
    """A log in the format of the container runtime interface, which ``kubectl logs`` reads through kwok."""

    def __init__(self, folder: Path) -> None:
        self.current = folder / "current.log"
        self.previous = folder / "previous.log"
        self._lock = threading.Lock()

    def rotate(self) -> None:
        """Start a new file; the former one is what ``kubectl logs --previous`` shows."""
        with self._lock:
            if self.current.exists():
                self.current.replace(self.previous)
            self.current.touch()

    def write(self, text: str) -> None:
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
        with self._lock, self.current.open("a") as file:
            file.writelines(f"{stamp} stdout F {line}\n" for line in text.splitlines())

    def tail(self, lines: int, size: int) -> str:
        """The last ``lines`` of at most ``size`` bytes, without their stamps."""
        with self._lock:
            found = self.current.read_text("utf-8").splitlines() if self.current.exists() else []
        text = "\n".join(line.split(" ", 3)[-1] for line in found[-lines:])
        return text.encode()[-size:].decode("utf-8", errors="ignore")


@dataclass
class ContainerProcess:
    """A process that runs or has ended."""

    process: subprocess.Popen[str]
    identity: str | None
    started_at: datetime
    started_monotonic_s: float

    @classmethod
    def start(
        cls, command: Sequence[str], environment: Mapping[str, str], log: ContainerLog, folder: Path, **more: Any
    ) -> Self:
        """Start the command in ``folder``; its output goes to ``log`` line by line."""
        process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        assert process.stdout is not None
        threading.Thread(target=_copy, args=(process.stdout, log), daemon=True).start()
        return cls(process, identify(process.pid), datetime.now(UTC), time.monotonic(), **more)

    @property
    def exit_code(self) -> int | None:
        """As a container's: 128 + signal for a killed process; None while it runs."""
        code = self.process.poll()
        return 128 - code if code is not None and code < 0 else code

    def ask_to_stop(self) -> None:
        """SIGTERM to the whole group, as a kubelet does at the start of the grace period."""
        signal_group(self.process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the whole group, and reap the child."""
        signal_group(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=10)


@dataclass
class ServerProcess(ContainerProcess):
    """A server on ``port`` of 127.0.0.1."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_healthy(self, path: str) -> bool:
        try:
            return httpx.get(f"{self.url}{path}", timeout=_HEALTH_TIMEOUT_S, trust_env=False).is_success
        except httpx.HTTPError:
            return False


def _copy(stream: IO[str], log: ContainerLog) -> None:
    with stream:
        for line in stream:
            log.write(line.rstrip("\n") or " ")


def minimal_environment() -> dict[str, str]:
    """What a server inherits of the agent's environment: where programs and caches are, nothing else."""
    names = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_CACHE_HOME", "LD_LIBRARY_PATH", "SSL_CERT_FILE")
    return {name: os.environ[name] for name in names if name in os.environ}
