"""What runs of a local cluster: components, nodes, the servers behind its pods. Reading only."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qwen_infra.local.agent.records import ServerRecord, read_records
from qwen_infra.local.agent_process import is_agent_running
from qwen_infra.local.api import ApiUnreachableError, KubernetesApi
from qwen_infra.local.folders import ClusterRecord, StateFolder, default_state_root
from qwen_infra.local.kwokctl import COMPONENTS
from qwen_infra.local.processes import find_marked

__all__ = ["ClusterStatus", "NodeStatus", "is_healthy", "status"]


@dataclass(frozen=True)
class NodeStatus:
    """One simulated node; ``gpus`` is the number that it offers."""

    name: str
    ready: bool
    gpu_product: str | None
    gpus: int


@dataclass(frozen=True)
class ClusterStatus:
    """One cluster; ``components`` says of each process of the control plane whether it lives."""

    name: str
    profile: str
    server: str
    healthy: bool
    state_folder: Path
    kubeconfig: Path
    context: str
    components: dict[str, bool]
    agent_running: bool
    nodes: tuple[NodeStatus, ...]
    servers: tuple[ServerRecord, ...]


def status(name: str | None = None, *, state_root: Path | None = None) -> list[ClusterStatus]:
    """The cluster ``name``, or all under ``state_root`` (None: the user's cache); empty when there is none."""
    if name is not None:
        names = [name]
    else:
        root = state_root or default_state_root()
        names = sorted(path.parent.name for path in root.glob("*/cluster.json"))
    folders = [StateFolder.of(one, state_root) for one in names]
    found = [(folder, folder.read_record()) for folder in folders]
    return [_read(folder, record) for folder, record in found if record is not None]


def is_healthy(folder: StateFolder, record: ClusterRecord) -> bool:
    """Whether every component lives and the API server says that it is ready."""
    return all(find_components(folder).values()) and _answers(folder, record)


def find_components(folder: StateFolder) -> dict[str, bool]:
    """Which components of the control plane live: kwokctl's pid files against the marked processes."""
    marked = set(find_marked(folder.path))
    return {component: _read_pid(folder, component) in marked for component in COMPONENTS}


def _read_pid(folder: StateFolder, component: str) -> int | None:
    try:
        return int((folder.component_pids / f"{component}.pid").read_text())
    except (FileNotFoundError, ValueError):
        return None


def _answers(folder: StateFolder, record: ClusterRecord) -> bool:
    try:
        with KubernetesApi(record.api_port, folder.pki_folder, timeout_s=3) as api:
            return api.is_ready()
    except ApiUnreachableError:
        return False


def _read(folder: StateFolder, record: ClusterRecord) -> ClusterStatus:
    components = find_components(folder)
    answers = _answers(folder, record)
    nodes: tuple[NodeStatus, ...] = ()
    if answers:
        with KubernetesApi(record.api_port, folder.pki_folder) as api:
            nodes = tuple(_read_node(node) for node in api.list("/api/v1/nodes"))
    agent_running = is_agent_running(folder)
    return ClusterStatus(
        name=folder.name,
        profile=record.profile,
        server=record.server,
        healthy=answers and all(components.values()) and (agent_running or record.server == "none"),
        state_folder=folder.path,
        kubeconfig=folder.kubeconfig,
        context=folder.context,
        components=components,
        agent_running=agent_running,
        nodes=nodes,
        servers=tuple(read_records(folder.servers_folder)),
    )


def _read_node(node: dict[str, Any]) -> NodeStatus:
    labels = node["metadata"].get("labels", {})
    capacity = node["status"].get("capacity", {})
    conditions = node["status"].get("conditions", [])
    return NodeStatus(
        name=node["metadata"]["name"],
        ready=any(item["type"] == "Ready" and item["status"] == "True" for item in conditions),
        gpu_product=next((value for key, value in labels.items() if "gpu.product" in key), None),
        gpus=sum(int(value) for key, value in capacity.items() if key.endswith("/gpu")),
    )
