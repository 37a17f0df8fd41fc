"""The node agent as a background process: its options on disk, starting and stopping it.

What it does is in ``qwen_infra.local.agent``. It holds a lock on its pid file for as long as it lives, so that neither
a stale file nor a reused process id can be taken for it.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

import qwen_infra
from qwen_infra.errors import EnvironmentMissingError
from qwen_infra.local.agent.records import read_records
from qwen_infra.local.folders import ClusterRecord, StateFolder, write_atomically
from qwen_infra.local.processes import STATE_VARIABLE, identify, is_running, signal_group

__all__ = ["AgentOptions", "import_path", "is_agent_running", "start_agent", "stop_agent"]

_START_TIMEOUT_S = 120
_STOP_TIMEOUT_S = 20


class AgentOptions(BaseModel):
    """What the agent is started with, as ``agent.json``; ``vllm`` and ``model`` are paths for the kind ``vllm``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["vllm", "simulator"]
    vllm: Path | None = None
    model: Path | None = None
    api_port: int = 0


def import_path() -> str:
    """PYTHONPATH for a child Python that has to import this package, installed or not."""
    root = str(Path(qwen_infra.__file__).parents[1])
    given = os.environ.get("PYTHONPATH")
    return f"{root}{os.pathsep}{given}" if given else root


def start_agent(folder: StateFolder, record: ClusterRecord, options: AgentOptions | None) -> None:
    """Make the agent run with these options; None: no agent.

    Raises:
        EnvironmentMissingError: it ended at once or did not reach the API server.
    """
    text = options.model_copy(update={"api_port": record.api_port}).model_dump_json(indent=1) if options else None
    is_same = text is not None and folder.agent_options.exists() and folder.agent_options.read_text() == text
    if is_same and is_agent_running(folder):
        return
    stop_agent(folder)
    if text is None:
        return
    write_atomically(folder.agent_options, text)
    folder.agent_pid_file.unlink(missing_ok=True)
    _wait_until_ready(folder, _spawn(folder))


def stop_agent(folder: StateFolder) -> None:
    """End the agent, which ends its servers; then the servers of an agent that was killed."""
    pid = _read_pid(folder)
    if pid is not None and is_agent_running(folder):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        while is_agent_running(folder) and time.monotonic() < deadline:
            time.sleep(0.05)
    for record in read_records(folder.servers_folder):
        if record.pid is not None and record.identity is not None and identify(record.pid) == record.identity:
            signal_group(record.pid, signal.SIGKILL)
    shutil.rmtree(folder.servers_folder, ignore_errors=True)


def is_agent_running(folder: StateFolder) -> bool:
    """Whether a process holds the lock on the agent's pid file."""
    try:
        with folder.agent_pid_file.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    except FileNotFoundError:
        pass
    return False


def _read_pid(folder: StateFolder) -> int | None:
    try:
        return int(folder.agent_pid_file.read_text())
    except (FileNotFoundError, ValueError):
        return None


def _spawn(folder: StateFolder) -> int | None:
    """The agent's process id, None when it did not come up; it forks once, to outlive us without being our child."""
    with folder.agent_log.open("ab") as log, suppress(subprocess.TimeoutExpired):
        started = subprocess.run(
            [sys.executable, "-m", "qwen_infra.local.agent", folder.name, str(folder.path.parent)],
            env={**os.environ, STATE_VARIABLE: str(folder.path), "PYTHONPATH": import_path()},
            cwd=folder.path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            timeout=_START_TIMEOUT_S,
            check=False,
        )
        return int(started.stdout) if started.returncode == 0 else None
    return None


def _wait_until_ready(folder: StateFolder, pid: int | None) -> None:
    """The agent writes its id into the pid file when it has spoken to the API server."""
    deadline = time.monotonic() + _START_TIMEOUT_S
    while pid is not None and time.monotonic() < deadline:
        if _read_pid(folder) is not None:
            return
        if not is_running(pid):
            break
        time.sleep(0.05)
    lines = folder.agent_log.read_text(errors="replace").splitlines()
    raise EnvironmentMissingError(
        "the node agent of the local cluster did not start",
        where=str(folder.agent_log),
        found=lines[-1] if lines else "nothing in its log",
        mend=f"qwen-infra local down --name {folder.name}, then qwen-infra local up --name {folder.name}",
    )
