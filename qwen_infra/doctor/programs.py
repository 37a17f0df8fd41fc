"""Running a program for what it says, with a deadline; a program that is not there is an answer too."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Answer", "ask"]

TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Answer:
    """What a program printed. ``code`` is ``None`` when it is not on PATH or did not end in time."""

    code: int | None
    output: str
    complaint: str


def ask(*command: str, environment: Mapping[str, str], folder: Path, timeout_s: float = TIMEOUT_S) -> Answer:
    """Run ``command`` without a terminal and without Pulumi's look for updates."""
    quiet = {**os.environ, **environment, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
            env=quiet,
            cwd=folder,
        )
    except FileNotFoundError:
        return Answer(None, "", f"{command[0]} is not on PATH")
    except subprocess.TimeoutExpired:
        return Answer(None, "", f"no answer within {timeout_s:.0f} s")
    complaint = done.stderr.strip().splitlines()
    return Answer(done.returncode, done.stdout, complaint[-1].removeprefix("error: ") if complaint else "")
