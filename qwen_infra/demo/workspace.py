"""The demo's own files under ``.demo``: a Pulumi backend, passphrase, plugins and configuration apart from the user's.

Nothing outside ``.demo`` and ``results`` is written: the stack file of the repository stays as it is, although Pulumi
notes the salt of its passphrase in a stack's configuration file; the demo gives it a copy for that.
"""

import os
import secrets
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from qwen_infra.errors import EnvironmentMissingError
from qwen_infra.local.folders import write_atomically
from qwen_infra.toolchain import Toolchain

__all__ = ["STACK", "Workspace", "open_workspace"]

STACK = "gb200"


@dataclass(frozen=True)
class Workspace:
    """Where the demo lives, and the variables that make ``pulumi`` and ``kubectl`` use it."""

    project: Path
    folder: Path
    variables: dict[str, str]

    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.variables}

    def run(self, *command: str, cwd: Path | None = None) -> int:
        """Run a command in the demo's environment, its output shown as it comes; returns its exit code."""
        return subprocess.run(command, cwd=cwd or self.project, env=self.environment(), check=False).returncode


def open_workspace(project: Path, tools: Toolchain, kubeconfig: Path) -> Workspace:
    """Make, or find again, the demo's files, and write ``.demo/env``."""
    folder = project / ".demo"
    for name in ("state", "pulumi", "project"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    passphrase = folder / "passphrase"
    if not passphrase.exists() or not passphrase.read_text("utf-8").strip():
        write_atomically(passphrase, secrets.token_urlsafe(24))
    tools.install_provider(folder / "pulumi")
    configuration = folder / "project" / f"Pulumi.{STACK}.yaml"
    variables = {
        **tools.environment(),
        "KUBECONFIG": str(kubeconfig),
        "PULUMI_HOME": str(folder / "pulumi"),
        "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase),
        "PULUMI_OPTION_CONFIG_FILE": str(configuration),
    }
    workspace = Workspace(project, folder, variables)
    _copy_configuration(project, configuration)
    _create_stack(workspace)
    _write_env(workspace)
    return workspace


def _copy_configuration(project: Path, configuration: Path) -> None:
    """The stack file as it is, with the salt that Pulumi added to the copy before."""
    old = configuration.read_text("utf-8").splitlines() if configuration.exists() else []
    salt = [line for line in old if line.startswith("encryptionsalt:")]
    text = (project / f"Pulumi.{STACK}.yaml").read_text("utf-8")
    write_atomically(configuration, text + "".join(f"{line}\n" for line in salt))
    shutil.copy(project / "Pulumi.yaml", configuration.with_name("Pulumi.yaml"))


def _create_stack(workspace: Workspace) -> None:
    stacks = workspace.folder / "state" / ".pulumi" / "stacks" / "qwen-infra"
    if (stacks / f"{STACK}.json").exists():
        return
    command = ("pulumi", "stack", "init", STACK, "--non-interactive")
    environment = {key: value for key, value in workspace.environment().items() if key != "PULUMI_OPTION_CONFIG_FILE"}
    done = subprocess.run(
        command, cwd=workspace.folder / "project", env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise EnvironmentMissingError(
            "the demo's stack could not be created",
            where=str(workspace.folder),
            found=done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}",
            mend="make demo-down, then make demo",
        )


def _write_env(workspace: Workspace) -> None:
    lines = [f"export {key}={shlex.quote(value)}\n" for key, value in sorted(workspace.variables.items())]
    activate = 'export PATH="{}:$PATH"\n'.format(workspace.project / ".venv" / "bin")
    text = "# `source .demo/env` puts the demo's pulumi, kubectl, backend and cluster into a shell.\n"
    write_atomically(workspace.folder / "env", text + "".join(lines) + activate)
