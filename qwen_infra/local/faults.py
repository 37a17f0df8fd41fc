"""The simulator's options and faults for one cluster: stored for later starts, posted to what runs now.

What a fault does is the simulator's; here it is passed on unread.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from qwen_infra.errors import ConfigurationError, EnvironmentMissingError
from qwen_infra.local.agent.records import read_records
from qwen_infra.local.folders import StateFolder, write_json

__all__ = ["configure_simulator", "set_faults"]


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
    running = [server for server in read_records(folder.servers_folder) if server.port is not None]
    for server in running:
        _post(server.port, list(faults))
    write_json(folder.simulator_options, folder.read_simulator_options() | {"fault": list(faults)})
    return len(running)


def _post(port: int | None, faults: list[str]) -> None:
    url = f"http://127.0.0.1:{port}/simulator/faults"
    try:
        answer = httpx.post(url, json={"faults": faults}, timeout=10, trust_env=False)
    except httpx.HTTPError as error:
        raise EnvironmentMissingError(
            "a simulator of the local cluster does not answer",
            where=url,
            found=str(error) or type(error).__name__,
            mend="qwen-infra local status shows its state",
        ) from error
    if not answer.is_success:
        raise ConfigurationError("the simulator refused the faults", where=url, found=answer.text[:300])
