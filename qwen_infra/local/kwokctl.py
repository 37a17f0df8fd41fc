"""Running kwokctl and saying in one message what went wrong when it fails.

Only creating and restarting; ending processes is ours (processes.py), because a half-made cluster has no kwokctl state.
"""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from qwen_infra.errors import EnvironmentMissingError
from qwen_infra.local.folders import StateFolder
from qwen_infra.local.processes import STATE_VARIABLE

__all__ = ["COMPONENTS", "PROGRAMS", "ClusterStartError", "PortTakenError", "create_cluster", "start_cluster"]

PROGRAMS = ("kwok", "kwokctl", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok-controller")

_READY_TIMEOUT_S = 90
_PORT_TAKEN = re.compile(r"address already in use")
# klog's letters for error and fatal, and etcd's and kwok's JSON levels
_ERROR_LINE = re.compile(r'^[EF]\d{4} |"level":"(error|fatal)"|panic:|^Error|level=ERROR', re.IGNORECASE)


class ClusterStartError(EnvironmentMissingError):
    """A component of the local cluster did not start."""


class PortTakenError(ClusterStartError):
    """A port that was free a moment ago is in use."""


def require_programs(bin_folder: Path) -> None:
    """Raise unless every program is in ``bin_folder``."""
    missing = [name for name in PROGRAMS if not os.access(bin_folder / name, os.X_OK)]
    if missing:
        raise EnvironmentMissingError(
            "programs of the local cluster are missing",
            where=str(bin_folder),
            found=f"no {', '.join(missing)}",
            mend="qwen-infra local up builds them when no folder is given",
        )


def create_cluster(folder: StateFolder, bin_folder: Path, configuration_file: Path) -> None:
    """``kwokctl create cluster`` with local programs only; returns when the API server is ready."""
    binaries = {
        "etcd": "etcd",
        "kube-apiserver": "kube-apiserver",
        "kube-controller-manager": "kube-controller-manager",
        "kube-scheduler": "kube-scheduler",
        "kwok-controller": "kwok",
    }
    arguments = [
        *("create", "cluster", "--config", str(configuration_file)),
        *("--kubeconfig", str(folder.kwok_work_folder / "kubeconfig")),
        *("--wait", f"{_READY_TIMEOUT_S}s", "--timeout", f"{_READY_TIMEOUT_S}s"),
    ]
    for component, program in binaries.items():
        arguments += [f"--{component}-binary", str(bin_folder / program)]
    _run(folder, bin_folder, arguments)


def start_cluster(folder: StateFolder, bin_folder: Path) -> None:
    """``kwokctl start cluster``: the components of a stopped cluster again, on its ports and with its data."""
    for path in folder.component_pids.glob("*.pid"):
        path.unlink()  # of processes that have ended: kwokctl takes a zombie or a reused id for a running component
    _run(
        folder, bin_folder, ["start", "cluster", "--wait", f"{_READY_TIMEOUT_S}s", "--timeout", f"{_READY_TIMEOUT_S}s"]
    )


def _run(folder: StateFolder, bin_folder: Path, arguments: Sequence[str]) -> None:
    folder.kwok_work_folder.mkdir(parents=True, exist_ok=True)
    log = folder.path / "kwokctl.log"
    command = [str(bin_folder / "kwokctl"), "--name", folder.name, *arguments]
    try:
        with log.open("ab") as output:
            # a file, not a pipe: the components inherit it and would keep a pipe open for ever
            finished = subprocess.run(
                command,
                env=_environment(folder, bin_folder),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=_READY_TIMEOUT_S + 30,
                start_new_session=True,  # Ctrl-C in the terminal of `up` must not reach a running cluster
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        raise _failure(folder, f"kwokctl did not end within {error.timeout:.0f} s", log) from error
    if finished.returncode != 0:
        raise _failure(folder, f"kwokctl {arguments[0]} cluster ended with {finished.returncode}", log)


def _environment(folder: StateFolder, bin_folder: Path) -> dict[str, str]:
    """The caller's environment without settings that would reach kwokctl or a component unasked."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KWOK_", "ETCD_", "KUBE")) and name.lower() not in ("http_proxy", "https_proxy")
    }
    return inherited | {
        "PATH": f"{bin_folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "KWOK_WORKDIR": str(folder.kwok_work_folder),
        STATE_VARIABLE: str(folder.path),
    }


def _failure(folder: StateFolder, what: str, log: Path) -> ClusterStartError:
    lines = _last_errors(folder, log)
    kind = PortTakenError if any(_PORT_TAKEN.search(line) for line in lines) else ClusterStartError
    return kind(
        f"the local cluster {folder.name!r} did not start: {what}",
        where=str(folder.component_logs if folder.component_logs.exists() else log),
        found=" | ".join(lines) or "nothing in the logs",
        mend=f"qwen-infra local down --name {folder.name}, then qwen-infra local up --name {folder.name}",
    )


def _last_errors(folder: StateFolder, log: Path, *, limit: int = 3) -> list[str]:
    """The last error line of each component, port conflicts first; kwokctl's own last line when none has any."""
    found: list[str] = []
    for path in sorted(folder.component_logs.glob("*.log")):
        lines = path.read_text(errors="replace").splitlines()
        taken = [line for line in lines if _PORT_TAKEN.search(line)]
        errors = taken or [line for line in lines if _ERROR_LINE.search(line)]
        if errors:
            found.append(f"{path.stem}: {errors[-1].strip()[:300]}")
    found.sort(key=lambda line: not _PORT_TAKEN.search(line))
    if not found and log.exists():
        found = [line.strip()[:300] for line in log.read_text(errors="replace").splitlines()[-1:]]
    return found[:limit]
