"""Running one long step of an installation: its output to a log, progress every few seconds, one clear error.

No shell, no pipes; what the steps are is the caller's.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qwen_infra.errors import EnvironmentMissingError

__all__ = ["Step", "run_step"]

_PROGRESS_PERIOD_S = 15.0


@dataclass(frozen=True)
class Step:
    """A command with a title for people and a deadline; ``environment`` is added to the caller's."""

    title: str
    command: tuple[str, ...]
    timeout_s: float
    environment: Mapping[str, str] = field(default_factory=dict)


def run_step(step: Step, *, log: Path, report: Callable[[str], None], mend: str) -> None:
    """Run the step to its end.

    Raises:
        EnvironmentMissingError: it failed or took too long; names the command and its last lines.
    """
    report(step.title)
    started = time.monotonic()
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    with log.open("ab") as output:
        process = subprocess.Popen(
            step.command,
            env=environment | dict(step.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            code = _wait(process, step, started, report)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    if code != 0:
        ended = "took too long" if code is None else f"ended with {code}"
        raise EnvironmentMissingError(
            f"{step.title} {ended}: {' '.join(step.command[:4])} ...",
            where=str(log),
            found=_last_lines(log),
            mend=mend,
        )


def _wait(process: subprocess.Popen[bytes], step: Step, started: float, report: Callable[[str], None]) -> int | None:
    """The exit code; None when the deadline passed and the process was killed."""
    while True:
        left_s = step.timeout_s - (time.monotonic() - started)
        if left_s <= 0:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None
        try:
            return process.wait(timeout=min(_PROGRESS_PERIOD_S, left_s))
        except subprocess.TimeoutExpired:
            report(f"{step.title} ({time.monotonic() - started:.0f} s)")


def _last_lines(log: Path, count: int = 3) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return " | ".join(line[:200] for line in lines[-count:]) or "no output"
