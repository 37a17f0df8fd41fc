"""The stack files of a folder, and which of them a change touches."""

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qwen_infra.errors import ConfigurationError, QwenInfraError
from qwen_infra.settings import StackSettings, load_stack_deployments

__all__ = ["PROGRAM_FILES", "StackFile", "affected_stacks", "changed_paths", "is_deployed", "list_stacks"]

PROGRAM_FILES = ("Pulumi.yaml", "__main__.py", "requirements.txt", "pyproject.toml")
_BESIDE = frozenset(
    {"cli", "demo", "doctor", "drift", "fleet", "fleet_program.py", "local", "review", "simulator", "toolchain"}
)
"""Packages and modules of which no byte reaches a deployment: what runs beside it, or for tests."""
GIT_TIMEOUT_S = 60


@dataclass(frozen=True)
class StackFile:
    """One stack file: the deployments it describes, or why it cannot be read."""

    name: str
    deployments: tuple[StackSettings, ...] = ()
    problem: str | None = None


def list_stacks(folder: Path) -> tuple[StackFile, ...]:
    """Every ``Pulumi.<stack>.yaml`` of a folder by name; a wrong one is listed with its problem."""
    names = sorted(path.name[len("Pulumi.") : -len(".yaml")] for path in folder.glob("Pulumi.*.yaml"))
    return tuple(_read(folder, name) for name in names)


def _read(folder: Path, name: str) -> StackFile:
    try:
        return StackFile(name, load_stack_deployments(folder, name))
    except QwenInfraError as error:
        return StackFile(name, problem=str(error))


def affected_stacks(paths: Iterable[str], stacks: Sequence[str]) -> tuple[str, ...]:
    """The stacks that could deploy something else once ``paths`` (relative to the project) have changed.

    A stack's own file touches that stack; whatever the program is made of touches every stack.
    """
    changed = set(paths)
    if any(_touches_all(path) for path in changed):
        return tuple(stacks)
    return tuple(name for name in stacks if f"Pulumi.{name}.yaml" in changed)


def _touches_all(path: str) -> bool:
    return path in PROGRAM_FILES or is_deployed(path)


def is_deployed(path: str) -> bool:
    """Whether a file of the package ``qwen_infra`` (its path from the repository) is part of what a stack deploys."""
    package = path.removeprefix("qwen_infra/").partition("/")[0]
    return path.startswith("qwen_infra/") and package not in _BESIDE


def changed_paths(folder: Path, since: str) -> tuple[str, ...]:
    """Paths, relative to ``folder``, that differ between the merge base with ``since`` and the work tree.

    Raises:
        ConfigurationError: no Git repository, or no such commit.
    """
    base = _git(folder, since, "merge-base", "HEAD", since).strip()
    tracked = _git(folder, since, "diff", "--name-only", "--relative", base)
    untracked = _git(folder, since, "ls-files", "--others", "--exclude-standard")
    return tuple(sorted({*tracked.splitlines(), *untracked.splitlines()}))


def _git(folder: Path, since: str, *arguments: str) -> str:
    command = ["git", *arguments]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=GIT_TIMEOUT_S, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(
            "git cannot be asked what changed",
            found=str(error),
            mend="install git, or look why it takes so long: git status",
        ) from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise ConfigurationError(
            "git cannot compare with this",
            where="--changed-since",
            found=f"{since}: {lines[0] if lines else f'exit code {done.returncode}'}",
            mend=f"git fetch origin, or name a commit that `git merge-base HEAD {since}` knows",
        )
    return done.stdout
