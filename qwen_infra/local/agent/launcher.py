"""Starting the server of a pod: the translated command with this machine's programs and paths.

The translation itself is pure (translate.py). The simulator's options are read anew at each start.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from qwen_infra.local.agent.pods import ServerPod, expand
from qwen_infra.local.agent.server import ContainerLog, ServerProcess, minimal_environment
from qwen_infra.local.agent_process import AgentOptions, import_path
from qwen_infra.local.folders import StateFolder
from qwen_infra.local.ports import find_free_ports
from qwen_infra.local.processes import STATE_VARIABLE
from qwen_infra.local.translate import Launch, VllmPaths, parse_command, translate_for_simulator, translate_for_vllm

__all__ = ["Launcher"]


class Launcher:
    """Starts servers of one kind for one cluster."""

    def __init__(self, folder: StateFolder, options: AgentOptions) -> None:
        self._folder = folder
        self._options = options

    @property
    def kind(self) -> str:
        return self._options.kind

    def start(
        self, pod: ServerPod, environment: Mapping[str, str], log: ContainerLog, work_folder: Path
    ) -> ServerProcess:
        """Start the pod's server on a free port; the log begins with what was translated."""
        port = find_free_ports(1)[0]
        command = parse_command([expand(word, environment) for word in pod.command])
        if self._options.kind == "vllm":
            assert self._options.vllm is not None  # both are set by cluster.up for this kind
            assert self._options.model is not None
            launch = translate_for_vllm(command, environment, VllmPaths(self._options.model, port))
            program = [str(self._options.vllm)]
        else:
            launch = translate_for_simulator(command, environment, port)
            program = [sys.executable, "-m", "qwen_infra.simulator", *self._simulator_arguments()]
        for note in launch.notes:
            log.write(f"[qwen-infra node agent] {note}")
        log.write(f"[qwen-infra node agent] starting {self._options.kind}: {launch.describe()}")
        return ServerProcess.start([*program, *launch.arguments], self._environment(launch), port, log, work_folder)

    def _environment(self, launch: Launch) -> dict[str, str]:
        own = {STATE_VARIABLE: str(self._folder.path), "PYTHONUNBUFFERED": "1"}
        found = {**minimal_environment(), **own, **launch.environment}
        if self._options.kind == "simulator":
            found["PYTHONPATH"] = os.pathsep.join((import_path(), *launch.environment.get("PYTHONPATH", "").split()))
        return found

    def _simulator_arguments(self) -> list[str]:
        """One flag an option; a list repeats its flag."""
        arguments: list[str] = []
        for name, value in self._folder.read_simulator_options().items():
            for item in value if isinstance(value, list) else [value]:
                arguments += [f"--{name.replace('_', '-')}", str(item)]
        return arguments
