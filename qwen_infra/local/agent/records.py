"""What the agent tells others about its servers: one JSON file a pod in the state folder.

Written by the agent, read by ``status``, ``set_faults`` and, after a crash, by whoever has to end the servers.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

__all__ = ["ServerRecord", "ServerState", "read_records"]

ServerState = Literal["waiting", "starting", "ready", "unhealthy", "backoff"]


class ServerRecord(BaseModel):
    """One pod and the server behind it; ``identity`` is the process's start time, see processes.identify."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uid: str
    namespace: str
    pod: str
    kind: Literal["vllm", "simulator"]
    state: ServerState
    port: int | None = None
    pid: int | None = None
    identity: str | None = None
    restarts: int = 0
    detail: str = ""


def read_records(folder: Path) -> list[ServerRecord]:
    """Every readable record, by pod name; a file that vanishes or is no record is left out."""
    found = []
    for path in folder.glob("*/record.json"):
        try:
            found.append(ServerRecord.model_validate_json(path.read_text()))
        except (FileNotFoundError, ValidationError):
            continue
    return sorted(found, key=lambda record: (record.namespace, record.pod))
