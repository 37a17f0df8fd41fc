"""A local Kubernetes cluster with simulated GPU nodes: up and down.

A real API server, scheduler, controller manager and etcd (kwokctl's binary runtime); kwok plays the nodes and the node
agent (``qwen_infra.local.agent``) puts real servers behind model-server pods. Looking at a cluster is in status.py.
"""

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qwen_infra import toolchain
from qwen_infra.errors import ConfigurationError, EnvironmentMissingError
from qwen_infra.local.agent_process import AgentOptions, start_agent, stop_agent
from qwen_infra.local.api import KubernetesApi
from qwen_infra.local.configuration import ClusterPorts, build_configuration, build_storage_class, read_ports
from qwen_infra.local.folders import ClusterRecord, ServerKind, StateFolder, write_atomically
from qwen_infra.local.kubeconfig import build_kubeconfig
from qwen_infra.local.kwokctl import PROGRAMS, PortTakenError, create_cluster, require_programs, start_cluster
from qwen_infra.local.locks import hold_lock
from qwen_infra.local.miniature_store import ensure_miniature
from qwen_infra.local.ports import find_free_ports, is_taken
from qwen_infra.local.processes import find_marked, stop_processes
from qwen_infra.local.profiles import build_nodes, find_profile
from qwen_infra.local.status import is_healthy
from qwen_infra.local.vllm_environment import ensure_vllm

__all__ = ["LocalCluster", "down", "up"]

Report = Callable[[str], None]

_NODES_READY_TIMEOUT_S = 180
_PORT_RELEASE_S = 5
_LOCK_TIMEOUT_S = 600
"""Longer than a cluster takes to start on a slow machine, so that the second of two `up` finds it running."""
_STAND_IN_LOG = "This container runs nowhere: its node is simulated (qwen-infra local).\n"


@dataclass(frozen=True)
class LocalCluster:
    """A running local cluster and how to reach it."""

    name: str
    kubeconfig: Path
    context: str
    state_folder: Path
    bin_folder: Path
    server: ServerKind


def up(
    name: str = "gb200",
    *,
    profile: str = "gb200",
    server: ServerKind = "simulator",
    bin_folder: Path | None = None,
    state_root: Path | None = None,
    report: Report = lambda _: None,
) -> LocalCluster:
    """Make the cluster ``name`` run; a no-op when it does, a repair when parts of it have ended.

    Args:
        name: a DNS label; each name is a cluster of its own.
        profile: a name of ``PROFILES`` or ``GPU:NODES``.
        server: what answers behind a pod that runs ``vllm serve``: real vLLM on this machine's CPU with a miniature
            model, the simulator, or nothing (such pods then become Ready at once).
        bin_folder: where the programs lie; None: the toolchain finds or builds them.
        state_root: the cluster's files go to ``state_root/name``; None: the user's cache.
        report: gets one line for each step that takes time.

    Raises:
        ConfigurationError: bad name or profile, or the running cluster was made with other ones.
        EnvironmentMissingError: a program is missing, or a component did not start.
    """
    folder = StateFolder.of(name, state_root)
    nodes = build_nodes(find_profile(profile))
    tools = bin_folder.absolute() if bin_folder else toolchain.ensure(PROGRAMS, report=report).bin_folder
    require_programs(tools)
    options = _prepare_agent(server, report)
    wanted = ClusterRecord(name=name, profile=profile, server=server, bin_folder=tools, api_port=0)
    with hold_lock(_lock_of(folder), purpose=f"changing the local cluster {name!r}", timeout_s=_LOCK_TIMEOUT_S):
        found = folder.read_record()
        if found is not None and found.complete:
            record = _bring_back(folder, found, wanted, report)
        else:
            record = _create(folder, wanted, nodes, report)
        start_agent(folder, record, options)
    return LocalCluster(
        name=name,
        kubeconfig=folder.kubeconfig,
        context=folder.context,
        state_folder=folder.path,
        bin_folder=tools,
        server=server,
    )


def down(name: str = "gb200", *, state_root: Path | None = None) -> bool:
    """End every process of the cluster and remove its files; False when there was nothing to do."""
    folder = StateFolder.of(name, state_root)
    with hold_lock(_lock_of(folder), purpose=f"changing the local cluster {name!r}", timeout_s=_LOCK_TIMEOUT_S):
        existed = folder.path.exists()
        ended = _end_processes(folder)
        folder.remove()
    return existed or ended


def _lock_of(folder: StateFolder) -> Path:
    return folder.path.with_name(f".{folder.name}.lock")


def _creation_lock() -> Path:
    """One lock for a user of the machine: two clusters that start at the same time would choose the same ports.

    Another user's could not be opened; a port that both have chosen is chosen again by one of them.
    """
    return Path(tempfile.gettempdir()) / f"qwen-infra-local-creation-{os.getuid()}.lock"


def _prepare_agent(server: ServerKind, report: Report) -> AgentOptions | None:
    if server == "none":
        return None
    if server == "simulator":
        return AgentOptions(kind="simulator")
    return AgentOptions(kind="vllm", vllm=ensure_vllm(report), model=ensure_miniature(report))


def _bring_back(folder: StateFolder, found: ClusterRecord, wanted: ClusterRecord, report: Report) -> ClusterRecord:
    """A complete cluster: check that it is the wanted one, and start again what has ended."""
    if found.profile != wanted.profile:
        raise _differs(folder, "profile", found.profile, wanted.profile)
    if (found.server == "none") != (wanted.server == "none"):  # decides the stages, which kwok reads at its start only
        raise _differs(folder, "server", found.server, wanted.server)
    record = found.model_copy(update={"server": wanted.server, "bin_folder": wanted.bin_folder})
    if not is_healthy(folder, found):
        report(f"the local cluster {folder.name!r} has ended processes: starting them again")
        _end_processes(folder)
        with hold_lock(_creation_lock(), purpose="starting a local cluster", timeout_s=_LOCK_TIMEOUT_S):
            _require_own_ports(folder)
            start_cluster(folder, found.bin_folder if (found.bin_folder / "kwokctl").exists() else wanted.bin_folder)
        with KubernetesApi(found.api_port, folder.pki_folder) as api:
            _wait_for_nodes(api, len(find_profile(found.profile).node_names))
    if record != found:
        folder.write_record(record)
    return record


def _require_own_ports(folder: StateFolder) -> None:
    """A stopped cluster comes back on its own ports; kwokctl would try a taken one for two minutes."""
    ports = asdict(read_ports(folder.kwokctl_configuration.read_text()))
    deadline = time.monotonic() + _PORT_RELEASE_S  # those of a killed process are free a moment later
    while taken := {name: port for name, port in ports.items() if is_taken(port)}:
        if time.monotonic() > deadline:
            raise EnvironmentMissingError(
                f"the local cluster {folder.name!r} cannot come back: another program took its ports",
                where=", ".join(f"127.0.0.1:{port} ({name})" for name, port in taken.items()),
                found="address already in use",
                mend=f"end that program (ss -ltnp shows it), or qwen-infra local down --name {folder.name} then up",
            )
        time.sleep(0.1)


def _differs(folder: StateFolder, what: str, found: str, wanted: str) -> ConfigurationError:
    return ConfigurationError(
        f"the local cluster {folder.name!r} was made with another {what}",
        where=f"--{what}",
        found=f"{found} running",
        expected=wanted,
        mend=f"qwen-infra local down --name {folder.name}, then repeat the command; or choose another --name",
    )


def _create(folder: StateFolder, wanted: ClusterRecord, nodes: list[dict[str, Any]], report: Report) -> ClusterRecord:
    _end_processes(folder)  # of an `up` that was killed half-way
    report(f"starting the local cluster {folder.name!r} with {len(nodes)} simulated node(s)")
    try:
        with hold_lock(_creation_lock(), purpose="starting a local cluster", timeout_s=_LOCK_TIMEOUT_S):
            try:
                record = _start_components(folder, wanted)
            except PortTakenError:  # another program was faster than our choice of ports: choose once more
                _end_processes(folder)
                record = _start_components(folder, wanted)
        _populate(folder, record, nodes)
    except BaseException:
        _end_processes(folder)  # the logs stay for whoever reads the message; the next up or down removes them
        raise
    complete = record.model_copy(update={"complete": True})
    folder.write_record(complete)
    return complete


def _start_components(folder: StateFolder, wanted: ClusterRecord) -> ClusterRecord:
    folder.remove(keep_simulator_options=True)
    folder.path.mkdir(parents=True, mode=0o700, exist_ok=True)
    ports = ClusterPorts(*find_free_ports(6))
    record = wanted.model_copy(update={"api_port": ports.kubeApiserver})
    folder.write_record(record)
    write_atomically(folder.kwokctl_configuration, build_configuration(ports, has_agent=wanted.server != "none"))
    create_cluster(folder, wanted.bin_folder, folder.kwokctl_configuration)
    return record


def _populate(folder: StateFolder, record: ClusterRecord, nodes: list[dict[str, Any]]) -> None:
    write_atomically(folder.kubeconfig, build_kubeconfig(folder.context, record.api_port, folder.pki_folder))
    stand_in_log = folder.path / "stand-in.log"
    write_atomically(stand_in_log, f"{time.strftime('%Y-%m-%dT%H:%M:%S.0Z', time.gmtime())} stdout F {_STAND_IN_LOG}")
    logs = {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "ClusterLogs",
        "metadata": {"name": "stand-in"},
        "spec": {"logs": [{"logsFile": str(stand_in_log), "follow": False}]},
    }
    with KubernetesApi(record.api_port, folder.pki_folder) as api:
        api.create("/apis/storage.k8s.io/v1/storageclasses", build_storage_class())
        api.create("/apis/kwok.x-k8s.io/v1alpha1/clusterlogs", logs)
        for node in nodes:
            api.create("/api/v1/nodes", node)
        _wait_for_nodes(api, len(nodes))


def _wait_for_nodes(api: KubernetesApi, count: int) -> None:
    """Until the nodes are Ready and pods can be created (which needs the default ServiceAccount)."""
    deadline = time.monotonic() + _NODES_READY_TIMEOUT_S
    ready = 0
    while time.monotonic() < deadline:
        ready = sum(_is_ready(node) for node in api.list("/api/v1/nodes"))
        if ready >= count and api.read("/api/v1/namespaces/default/serviceaccounts/default") is not None:
            return
        time.sleep(0.1)
    raise EnvironmentMissingError(
        "the simulated nodes did not become ready",
        found=f"{ready} of {count} after {_NODES_READY_TIMEOUT_S} s",
        mend="qwen-infra local down, then qwen-infra local up",
    )


def _is_ready(node: dict[str, Any]) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _end_processes(folder: StateFolder) -> bool:
    """End the agent and its servers, then the rest at once: what they hold is not needed or survives a crash."""
    stop_agent(folder)
    pids = find_marked(folder.path)
    left = stop_processes(pids, grace_s=0)
    if left:
        raise EnvironmentMissingError(
            f"processes of the local cluster {folder.name!r} do not end",
            found=f"process ids {', '.join(map(str, left))}",
            mend=f"kill -9 {' '.join(map(str, left))}, then qwen-infra local down --name {folder.name}",
        )
    return bool(pids)
