"""The simulator's options and faults for one cluster: stored for later starts, posted to what runs now.

What a fault does is the simulator's; here it is passed on unread.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from qwen_infra.errors import ConfigurationError, EnvironmentMissingError
from qwen_infra.local.agent.records import ServerRecord, read_records
from qwen_infra.local.folders import StateFolder, write_json
from qwen_infra.local.processes import identify

__all__ = ["configure_simulator", "set_faults"]

_LISTEN_TIMEOUT_S = 30
_RETRY_S = 0.1


def configure_simulator(name: str, options: Mapping[str, Any], *, state_root: Path | None = None) -> None:
    """Store command-line options of the simulator (``{"profile": "instant", "time_scale": 0.1}``) for its next start.

    May be called before ``up``; replaces what was stored, faults included.
    """
    folder = StateFolder.of(name, state_root)
    write_json(folder.simulator_options, dict(options))


def set_faults(name: str, faults: Sequence[str], *, state_root: Path | None = None) -> int:
    """Make the cluster's simulators behave so from now on; an empty list ends all faults.

    Returns: the number of running simulators that took it; later ones start with it.

    Raises:
        ConfigurationError: there is no such cluster, it has no simulators, or a simulator refused the faults.
    """
    folder = StateFolder.of(name, state_root)
    record = folder.read_record()
    if record is None or record.server != "simulator":
        raise ConfigurationError(
            f"faults need the local cluster {name!r} with simulated servers",
            where="--name",
            found=f"server {record.server}" if record else "no such cluster",
            mend=f"qwen-infra local up --name {name} --server simulator",
        )
    before = folder.read_simulator_options()
    # first, so that a server which starts meanwhile has them from its start
    write_json(folder.simulator_options, before | {"fault": list(faults)})
    try:
        return sum(_tell(folder, server, list(faults)) for server in read_records(folder.servers_folder))
    except ConfigurationError:
        write_json(folder.simulator_options, before)
        raise


def _tell(folder: StateFolder, server: ServerRecord, faults: list[str]) -> bool:
    """Tell one server, waiting for one that is still starting; False when it ended instead of listening.

    Its agent may kill it at any moment (a startup probe that ran out), and a later start reads the stored options.
    """
    deadline = time.monotonic() + _LISTEN_TIMEOUT_S
    while _is_current(folder, server):
        try:
            _post(server.port, faults)
            return True
        except httpx.HTTPError as error:
            if time.monotonic() > deadline:
                raise EnvironmentMissingError(
                    "a simulator of the local cluster does not answer",
                    where=f"pod {server.namespace}/{server.pod}, port {server.port} of this machine",
                    found=str(error) or type(error).__name__,
                    mend="qwen-infra local status shows its state",
                ) from error
            time.sleep(_RETRY_S)
    return False


def _is_current(folder: StateFolder, server: ServerRecord) -> bool:
    """Whether the process of this record still runs and is still the one of its pod."""
    if server.pid is None or server.identity is None or identify(server.pid) != server.identity:
        return False
    return any(
        (found.uid, found.pid, found.port) == (server.uid, server.pid, server.port)
        for found in read_records(folder.servers_folder)
    )


def _post(port: int | None, faults: list[str]) -> None:
    url = f"http://127.0.0.1:{port}/simulator/faults"
    answer = httpx.post(url, json={"faults": faults}, timeout=10, trust_env=False)
    if not answer.is_success:
        raise ConfigurationError(
            "the simulator refused the faults",
            where=url,
            found=answer.text[:300],
            mend="qwen-infra local fault --help lists them",
        )
