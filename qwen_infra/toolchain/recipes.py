"""What a recipe folder says: ``tools/<recipe>/recipe.toml`` as a typed value, and the hash that names its cache folder.

Carrying a recipe out is builds.py's job.
"""

import hashlib
import json
import platform
import sys
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qwen_infra.errors import EnvironmentMissingError

RECIPE_FILE = "recipe.toml"

_PROCEDURE = 1
"""Part of every hash: raise it when builds.py changes in a way that changes what it makes."""

_NOT_IN_HASH = ("folder", "expected_s")
"""What a recipe says without any effect on the programs; nor do the comments in its file have one."""


@dataclass(frozen=True)
class ModuleFile:
    """A file of a Go module that is installed as it is.

    Args:
        package: any package of the module; names the module to Go.
        path: the file's path inside the module.
    """

    package: str
    path: str


@dataclass(frozen=True)
class GeneratedFile:
    """A JSON file that a program embeds and its module lacks: another one of the module, with some top-level keys
    set.
    """

    source: str
    target: str
    changes: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class SourceEdit:
    """A text replaced in one source file; it must be there exactly once."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class PatchedModule:
    """A module that does not build as the module proxy serves it; a completed copy is built instead.

    Args:
        path: the module's path.
        package: a package of it that builds as it is; names the module to Go.
        generated: files to add.
        edits: lines to change.
    """

    path: str
    package: str
    generated: tuple[GeneratedFile, ...]
    edits: tuple[SourceEdit, ...]


@dataclass(frozen=True)
class Recipe:
    """How one Go module of ours becomes programs.

    Args:
        name: the folder's name.
        folder: where go.mod, go.sum and sources lie.
        version: of the program.
        expected_s: seconds on two cores with nothing cached, after the recipes before it in the build order.
        packages: what to build; each program is named after its package unless ``output`` says otherwise.
        output: the file name, for a single package.
        links: other names for ``output``.
        ldflags: for the linker, besides those that all recipes have.
        scripts: files installed beside the programs.
        patched_module: see there.
    """

    name: str
    folder: Path
    version: str
    expected_s: float
    packages: tuple[str, ...]
    output: str | None = None
    links: tuple[str, ...] = ()
    ldflags: tuple[str, ...] = ()
    scripts: tuple[ModuleFile, ...] = ()
    patched_module: PatchedModule | None = None

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def script_names(self) -> tuple[str, ...]:
        return tuple(Path(script.path).name for script in self.scripts)

    def cache_name(self) -> str:
        """``<recipe>-<hash>``: changes with what the recipe says and its files, the platform and the procedure."""
        said = {name: value for name, value in asdict(self).items() if name not in _NOT_IN_HASH}
        digest = hashlib.sha256(json.dumps([_PROCEDURE, sys.platform, platform.machine(), said]).encode())
        files = (path for path in self.folder.rglob("*") if path.is_file() and path.name != RECIPE_FILE)
        for file in sorted(files):
            content = file.read_bytes()
            digest.update(f"\n{file.relative_to(self.folder).as_posix()} {len(content)}\n".encode() + content)
        return f"{self.name}-{digest.hexdigest()[:16]}"


def load_recipe(recipes_folder: Path, name: str) -> Recipe:
    """The recipe ``name``; one that is absent means that the checkout is.

    Raises:
        EnvironmentMissingError: there is no such recipe.
    """
    folder = recipes_folder / name
    try:
        content = tomllib.loads((folder / RECIPE_FILE).read_text())
    except FileNotFoundError as error:
        raise EnvironmentMissingError(
            f"{name} has to be built and its recipe is not here",
            where=str(folder),
            mend="run from a checkout of the project, or install the program on PATH",
        ) from error
    patched = content.get("patched_module")
    return Recipe(
        name=name,
        folder=folder,
        version=content["version"],
        expected_s=content["expected_s"],
        packages=tuple(content["packages"]),
        output=content.get("output"),
        links=tuple(content.get("links", ())),
        ldflags=tuple(content.get("ldflags", ())),
        scripts=tuple(ModuleFile(**script) for script in content.get("scripts", ())),
        patched_module=_read_patched_module(patched) if patched else None,
    )


def _read_patched_module(content: dict[str, Any]) -> PatchedModule:
    return PatchedModule(
        path=content["path"],
        package=content["package"],
        generated=tuple(
            GeneratedFile(entry["from"], entry["to"], tuple(entry.get("set", {}).items()))
            for entry in content.get("generated", ())
        ),
        edits=tuple(SourceEdit(entry["file"], entry["old"], entry["new"]) for entry in content.get("edits", ())),
    )
