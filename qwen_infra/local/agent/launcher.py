"""Starting the program of a container: a server's translated command, or a download's own, with this machine's paths.

The translation itself is pure (translate.py). The simulator's options are read anew at each start.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from qwen_infra.client.provenance import SIMULATED_NODE_VARIABLE
from qwen_infra.local.agent.pods import ContainerPod, ServerPod, expand
from qwen_infra.local.agent.server import ContainerLog, ContainerProcess, ServerProcess, minimal_environment
from qwen_infra.local.agent.services import ServiceFinder
from qwen_infra.local.agent.volumes import MountedVolumes, NodeStorage
from qwen_infra.local.agent_process import AgentOptions, import_path
from qwen_infra.local.api import KubernetesApi
from qwen_infra.local.folders import StateFolder
from qwen_infra.local.ports import find_free_ports
from qwen_infra.local.processes import STATE_VARIABLE
from qwen_infra.local.translate import Launch, VllmPaths, parse_command, translate_for_simulator, translate_for_vllm
from qwen_infra.local.translate_download import translate_download

__all__ = ["TERMINATION", "Launcher"]

TERMINATION = "termination-message"
"""File in the folder of a download: what the container wrote for its pod's status."""
_TERMINATION_LOG = "/dev/termination-log"


class Launcher:
    """Starts servers of one kind for one cluster."""

    def __init__(self, folder: StateFolder, options: AgentOptions, hub_endpoint: str) -> None:
        self._folder = folder
        self._options = options
        self._hub_endpoint = hub_endpoint
        self.storage = NodeStorage(folder.storage)

    @property
    def kind(self) -> str:
        return self._options.kind

    def start(
        self, pod: ServerPod, environment: Mapping[str, str], volumes: MountedVolumes, log: ContainerLog, folder: Path
    ) -> ServerProcess:
        """Start the pod's server on a free port in ``folder``; the log begins with what was translated."""
        port = find_free_ports(1)[0]
        command = parse_command([expand(word, environment) for word in pod.command])
        environment = volumes.localise(environment)
        weights = volumes.find(command.model) if command.model else None
        if self._options.kind == "vllm":
            assert self._options.vllm is not None  # both are set by cluster.up for this kind
            assert self._options.model is not None
            launch = translate_for_vllm(command, environment, VllmPaths(weights or self._options.model, port))
            program = [str(self._options.vllm)]
        else:
            launch = translate_for_simulator(command, environment, port)
            program = [sys.executable, "-m", "qwen_infra.simulator", *self._simulator_arguments()]
        for note in (*launch.notes, self._describe_weights(weights)):
            log.write(f"[qwen-infra node agent] {note}")
        log.write(f"[qwen-infra node agent] starting {self._options.kind}: {launch.describe()}")
        return ServerProcess.start([*program, *launch.arguments], self._environment(launch), log, folder, port=port)

    def _describe_weights(self, folder: Path | None) -> str:
        if folder is None:
            return "weights: none were brought to this simulated node"
        reader = "" if self._options.kind == "vllm" else ", which the simulator does not read"
        return f"weights: {folder.resolve()}{reader}"

    def _environment(self, launch: Launch) -> dict[str, str]:
        own = {STATE_VARIABLE: str(self._folder.path), "PYTHONUNBUFFERED": "1"}
        found = {**minimal_environment(), **own, **launch.environment}
        if self._options.kind == "simulator":
            found["PYTHONPATH"] = os.pathsep.join((import_path(), *launch.environment.get("PYTHONPATH", "").split()))
        return found

    def start_download(
        self, pod: ContainerPod, given: Mapping[str, str], volumes: MountedVolumes, log: ContainerLog, folder: Path
    ) -> ContainerProcess:
        """Start the container's own command in ``folder``, with this machine's paths and the stand-in for a Hub."""
        words = volumes.localise_words(expand(word, given) for word in pod.command[1:])
        launch = translate_download(words, volumes.localise(given), self._hub_endpoint)
        for note in launch.notes:
            log.write(f"[qwen-infra node agent] {note}")
        command = [sys.executable, *_lead_termination_log(launch.arguments, folder)]
        # the home is the container's own: no token of this user is found
        own = {STATE_VARIABLE: str(self._folder.path), "HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
        return ContainerProcess.start(command, {**minimal_environment(), **launch.environment, **own}, log, folder)

    def start_verification(
        self,
        api: KubernetesApi,
        pod: ContainerPod,
        given: Mapping[str, str],
        volumes: MountedVolumes,
        log: ContainerLog,
        folder: Path,
    ) -> ContainerProcess:
        """Start the container's own command, with the address of a Service replaced by the port of a pod behind it."""
        words = volumes.localise_words(expand(word, given) for word in pod.command[1:])
        words = _lead_termination_log(words, folder)
        finder = ServiceFinder(api, self._folder)
        command = [sys.executable, *(finder.localise(word) for word in words)]
        own = {SIMULATED_NODE_VARIABLE: "1", "NO_PROXY": "*", STATE_VARIABLE: str(self._folder.path)}
        log.write("[qwen-infra node agent] simulated node: the Service is this machine's server of a pod behind it")
        return ContainerProcess.start(command, {**minimal_environment(), **volumes.localise(given), **own}, log, folder)

    def _simulator_arguments(self) -> list[str]:
        """One flag an option; a list repeats its flag."""
        arguments: list[str] = []
        for name, value in self._folder.read_simulator_options().items():
            for item in value if isinstance(value, list) else [value]:
                arguments += [f"--{name.replace('_', '-')}", str(item)]
        return arguments


def _lead_termination_log(words: Sequence[str], folder: Path) -> list[str]:
    """The termination message goes into a file of the folder."""
    return [str(folder / TERMINATION) if word == _TERMINATION_LOG else word for word in words]
