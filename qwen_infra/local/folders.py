"""Where a local cluster keeps its files, and what its record on disk says.

One folder a cluster: everything that ``down`` has to remove lies under it. No process is started here.
"""

import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from qwen_infra.errors import ConfigurationError

__all__ = ["ClusterRecord", "ServerKind", "StateFolder", "default_cache_root", "default_state_root"]

ServerKind = Literal["vllm", "simulator", "none"]

# kwokctl uses the name in file names, we use it in the kubeconfig context: a DNS label, short enough for both.
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")


def default_cache_root() -> Path:
    """The user's cache folder for this project: what is expensive to make and safe to delete."""
    given = os.environ.get("XDG_CACHE_HOME")
    if given:
        return Path(given) / "qwen-infra"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "qwen-infra"
    return Path.home() / ".cache" / "qwen-infra"


def default_state_root() -> Path:
    """The folder that holds one folder per local cluster, unless the caller has its own."""
    return default_cache_root() / "local"


class ClusterRecord(BaseModel):
    """What ``up`` decided, as ``cluster.json``; ``complete`` is written last, so a crashed ``up`` is recognised."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    profile: str
    server: ServerKind
    bin_folder: Path
    api_port: int
    complete: bool = False


@dataclass(frozen=True)
class StateFolder:
    """The files of one cluster under ``path``."""

    name: str
    path: Path

    @classmethod
    def of(cls, name: str, state_root: Path | None) -> "StateFolder":
        """The folder of the cluster ``name`` under ``state_root`` (None: the user's cache).

        Raises:
            ConfigurationError: the name is not a DNS label.
        """
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                "a cluster name is lower-case letters, digits and dashes, at most 40 of them",
                where="--name",
                found=repr(name),
                mend="choose another name, for example: qwen-infra local up --name gb200",
            )
        return cls(name=name, path=(state_root or default_state_root()).expanduser().absolute() / name)

    @property
    def kubeconfig(self) -> Path:
        return self.path / "kubeconfig"

    @property
    def context(self) -> str:
        return f"qwen-infra-{self.name}"

    @property
    def record_file(self) -> Path:
        return self.path / "cluster.json"

    @property
    def kwok_work_folder(self) -> Path:
        return self.path / "kwok"

    @property
    def kwokctl_configuration(self) -> Path:
        return self.path / "kwokctl.yaml"

    @property
    def kwok_cluster_folder(self) -> Path:
        return self.kwok_work_folder / "clusters" / self.name

    @property
    def pki_folder(self) -> Path:
        return self.kwok_cluster_folder / "pki"

    @property
    def component_logs(self) -> Path:
        return self.kwok_cluster_folder / "logs"

    @property
    def component_pids(self) -> Path:
        return self.kwok_cluster_folder / "pids"

    @property
    def agent_options(self) -> Path:
        return self.path / "agent.json"

    @property
    def agent_pid_file(self) -> Path:
        return self.path / "agent.pid"

    @property
    def agent_log(self) -> Path:
        return self.path / "agent.log"

    @property
    def servers_folder(self) -> Path:
        return self.path / "servers"

    @property
    def storage(self) -> Path:
        """The disks of the simulated nodes, and the claims."""
        return self.path / "storage"

    @property
    def simulator_options(self) -> Path:
        return self.path / "simulator.json"

    def read_record(self) -> ClusterRecord | None:
        """The record, or None when there is none or it cannot be read (then the cluster is made anew)."""
        try:
            return ClusterRecord.model_validate_json(self.record_file.read_text())
        except (FileNotFoundError, ValidationError):
            return None

    def write_record(self, record: ClusterRecord) -> None:
        write_atomically(self.record_file, record.model_dump_json(indent=1))

    def read_simulator_options(self) -> dict[str, Any]:
        """The simulator's stored command-line options; none when nothing was stored."""
        try:
            found: dict[str, Any] = json.loads(self.simulator_options.read_text())
        except FileNotFoundError:
            return {}
        return found

    def remove(self, *, keep_simulator_options: bool = False) -> None:
        """Remove the folder; ``keep_simulator_options`` keeps what was configured before the cluster was made."""
        kept = None
        if keep_simulator_options and self.simulator_options.exists():
            kept = self.simulator_options.read_text()
        self.record_file.unlink(missing_ok=True)  # first: what is left of a removal that was killed is no cluster
        shutil.rmtree(self.path, ignore_errors=True)
        if kept is not None:
            write_atomically(self.simulator_options, kept)


def write_atomically(path: Path, content: str | bytes, *, mode: int = 0o600) -> None:
    """Write a file that a reader sees whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.touch(mode=mode)
    draft.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    draft.replace(path)


def write_json(path: Path, value: object) -> None:
    """Write a JSON document atomically."""
    write_atomically(path, json.dumps(value, indent=1, ensure_ascii=False))
