"""Decides where each program comes from: this machine when its version is good enough, else the cache, else a build.

The result is one folder with all of them by name, to be put first on a PATH.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qwen_infra.errors import ConfigurationError
from qwen_infra.toolchain.builds import build_recipes, is_built
from qwen_infra.toolchain.folders import is_placed, make_folder, make_link, place_file, recipes_folder, toolchain_folder
from qwen_infra.toolchain.lookup import Finder, is_plugin_installed, plugin_file
from qwen_infra.toolchain.programs import BUILD_ORDER, PROGRAMS, Lookup, Program, select_programs
from qwen_infra.toolchain.progress import Report
from qwen_infra.toolchain.recipes import Recipe, load_recipe

PROVIDER = "pulumi-resource-kubernetes"


@dataclass(frozen=True)
class Toolchain:
    """Programs that are there and run.

    Args:
        bin_folder: holds all of them by name, except the kubernetes provider: on a PATH it would make every `pulumi`
            command warn.
        paths: where each one lies.
        has_own_pulumi: whether the Pulumi CLI is ours; a user's own keeps its habits.
    """

    bin_folder: Path
    paths: Mapping[str, Path]
    has_own_pulumi: bool

    def path(self, name: str) -> Path:
        """The program's file.

        Raises:
            ConfigurationError: it is not among those that this toolchain was asked for.
        """
        if name not in self.paths:
            raise ConfigurationError(
                "not in this toolchain",
                where=name,
                expected="one of " + ", ".join(self.paths),
                mend=f"ensure({name!r})",
            )
        return self.paths[name]

    def environment(self) -> dict[str, str]:
        """The variables under which these programs are found, before all others of the same name."""
        variables = {
            "PATH": os.pathsep.join((str(self.bin_folder), os.environ.get("PATH", os.defpath))),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        if self.has_own_pulumi:
            variables["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
        return variables

    def install_provider(self, pulumi_home: Path) -> None:
        """Puts the kubernetes provider into the plugin folder of this ``PULUMI_HOME``; one that is there stays."""
        if not is_plugin_installed(pulumi_home):
            file = plugin_file(pulumi_home)
            make_folder(file.parent)
            place_file(self.path(PROVIDER), file)


@dataclass(frozen=True)
class Origin:
    """Where one program comes from: its path, or the recipe that will make it; ``recipe`` is set for both of ours."""

    program: Program
    path: Path | None
    recipe: Recipe | None

    @property
    def words(self) -> str:
        if self.recipe is None:
            return str(self.path)
        return f"{self.path}" if self.path else f"to be built ({self.recipe.title})"


def find_programs(programs: Sequence[str] = PROGRAMS) -> list[Origin]:
    """Where each program, and those that it needs beside it, comes from or will come from; builds nothing."""
    finder = Finder()
    folder = toolchain_folder()
    recipes: dict[str, Recipe] = {}
    return [_find(program, finder, folder, recipes) for program in select_programs(tuple(programs))]


def _find(program: Program, finder: Finder, folder: Path, recipes: dict[str, Recipe]) -> Origin:
    path = finder.find(program)
    if path:
        return Origin(program, path, None)
    if program.recipe not in recipes:
        recipes[program.recipe] = load_recipe(recipes_folder(), program.recipe)
    recipe = recipes[program.recipe]
    built = folder / recipe.cache_name() / program.name if is_built(recipe, folder) else None
    return Origin(program, built, recipe)


def ensure(programs: Sequence[str] = PROGRAMS, *, report: Report | None = None) -> Toolchain:
    """Makes sure that these programs are there; builds those that are found neither on this machine nor in the cache.

    Args:
        programs: names out of ``PROGRAMS``; ``pulumi`` brings its Python language host along.
        report: gets progress line by line; by default it goes to standard error.

    Raises:
        ConfigurationError: a name is unknown.
        EnvironmentMissingError: something could not be built; says what would help.
    """
    origins = find_programs(programs)
    missing = {origin.recipe.name: origin.recipe for origin in origins if origin.recipe and not origin.path}
    if missing:
        build_recipes([missing[name] for name in BUILD_ORDER if name in missing], toolchain_folder(), report)
        origins = find_programs(programs)
    own = {origin.program.name for origin in origins if origin.recipe}
    paths = {origin.program.name: origin.path for origin in origins if origin.path}
    return Toolchain(_make_bin_folder(_entries(origins)), paths, has_own_pulumi="pulumi" in own)


def install_provider(pulumi_home: Path, *, report: Report | None = None) -> None:
    """Puts the kubernetes provider into the plugin folder of this ``PULUMI_HOME``, built first if need be."""
    if not is_plugin_installed(pulumi_home):
        ensure([PROVIDER], report=report).install_provider(pulumi_home)


def _entries(origins: Sequence[Origin]) -> dict[str, tuple[Path, bool]]:
    """What the bin folder holds: name, file, and whether the file is ours."""
    entries = {}
    for origin in origins:
        if origin.path and origin.program.lookup is not Lookup.PLUGIN_FOLDER:
            entries[origin.program.name] = (origin.path, origin.recipe is not None)
            for script in origin.recipe.script_names if origin.recipe else ():
                entries[script] = (origin.path.with_name(script), True)
    return entries


def _make_bin_folder(entries: Mapping[str, tuple[Path, bool]]) -> Path:
    content = json.dumps({name: str(path) for name, (path, _) in sorted(entries.items())})
    root = toolchain_folder()
    folder = root / f"bin-{hashlib.sha256(content.encode()).hexdigest()[:16]}"
    if folder.is_dir() and all(is_placed(path, folder / name) for name, (path, _) in entries.items()):
        return folder
    temporary = root / f".{folder.name}.{os.getpid()}"
    shutil.rmtree(temporary, ignore_errors=True)
    make_folder(temporary)
    for name, (path, is_own) in entries.items():
        if is_own:
            place_file(path, temporary / name)
        else:
            make_link(path, temporary / name)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        temporary.rename(folder)
    except OSError:
        # Another process has made the same folder in between.
        shutil.rmtree(temporary, ignore_errors=True)
        if not folder.is_dir():
            raise
    return folder
