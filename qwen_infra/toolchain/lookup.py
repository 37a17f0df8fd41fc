"""Programs that are already on this machine: the PATH, the folder of the Pulumi CLI, the Pulumi plugin folder.

A version is asked for once and remembered with the file's size and time, so that a warm look-up starts no process.
Building is not here.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from qwen_infra.toolchain.folders import is_program, toolchain_folder
from qwen_infra.toolchain.programs import BY_NAME, PROVIDER_VERSION, Lookup, Program, Version

_PROBE_TIMEOUT_S = 20
_VERSION = re.compile(r"(?<![\d.])v?(\d+)\.(\d+)\.(\d+)")


class VersionMemory:
    """Versions of program files, kept in a small JSON file beside the cache so that they are asked for only once."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known = self._load()

    def _load(self) -> dict[str, str]:
        try:
            content = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def version_of(self, path: Path, arguments: tuple[str, ...]) -> Version | None:
        """The version that the program prints; ``None`` when it prints none, fails, or hangs."""
        real = path.resolve()
        state = real.stat()
        key = f"{real}|{state.st_size}|{state.st_mtime_ns}|{' '.join(arguments)}"
        if key not in self._known:
            self._known[key] = _ask_version(path, arguments)
            self._save()
        return parse_version(self._known[key])

    def _save(self) -> None:
        temporary = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(self._known, indent=1))
            temporary.replace(self._file)
        except OSError:
            # Only a shortcut: without it the programs are asked again next time.
            return


def _ask_version(path: Path, arguments: tuple[str, ...]) -> str:
    try:
        answer = subprocess.run(
            [path, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROBE_TIMEOUT_S,
            check=False,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = _VERSION.search(answer.stdout) or _VERSION.search(answer.stderr)
    return found.group() if found and answer.returncode == 0 else ""


def parse_version(text: str) -> Version | None:
    """The first ``1.2.3`` or ``v1.2.3`` in a text."""
    found = _VERSION.search(text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


class Finder:
    """Looks for programs that somebody else installed, in the places and versions that each program's entry allows."""

    def __init__(self) -> None:
        self._own = toolchain_folder()
        self._memory = VersionMemory(self._own / "versions.json")

    def find(self, program: Program) -> Path | None:
        """The program's path when a good enough one is on this machine."""
        if program.lookup is Lookup.PLUGIN_FOLDER:
            return _find_plugin(program)
        if program.lookup is Lookup.BESIDE_PULUMI:
            pulumi = self.find(BY_NAME["pulumi"])
            return pulumi.resolve().parent / program.name if pulumi else None
        return next((path for path in self._candidates(program.name) if self._is_good(path, program)), None)

    def find_go(self, minor: tuple[int, int]) -> tuple[Path, Version] | None:
        """A Go toolchain of exactly this minor version on PATH, with its full version."""
        for path in self._candidates("go"):
            version = self._memory.version_of(path, ("version",))
            if version and version[:2] == minor:
                return path, version
        return None

    def _candidates(self, name: str) -> Iterator[Path]:
        for entry in os.get_exec_path():
            path = Path(entry) / name
            # A shell that has our own bin folder on its PATH must resolve as one that has not.
            if path.is_absolute() and not path.is_relative_to(self._own) and is_program(path):
                yield path

    def _is_good(self, path: Path, program: Program) -> bool:
        if program.companion and not is_program(path.resolve().parent / program.companion):
            return False
        version = self._memory.version_of(path, program.probe)
        return version is not None and program.accepts(version)


def plugin_file(pulumi_home: Path) -> Path:
    """Where the Pulumi engine looks for the kubernetes provider, below a ``PULUMI_HOME``."""
    return pulumi_home / "plugins" / f"resource-kubernetes-v{PROVIDER_VERSION}" / "pulumi-resource-kubernetes"


def is_plugin_installed(pulumi_home: Path) -> bool:
    """Whether the engine would use the plugin there: present, executable, and not marked as half installed."""
    file = plugin_file(pulumi_home)
    return is_program(file) and not file.parent.with_name(file.parent.name + ".partial").exists()


def _find_plugin(program: Program) -> Path | None:
    # The provider has no version flag: only the folder's name tells its version, so one on PATH is never taken.
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    return plugin_file(home).with_name(program.name) if is_plugin_installed(home) else None
