"""Carries recipes out: builds programs with Go from the committed go.mod and go.sum and puts them into the cache.

A result is a folder that appears by one rename: a build that was killed leaves only a folder in ``building``, which
the next one removes. Which programs are missing is decided in resolution.py.
"""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qwen_infra.errors import EnvironmentMissingError
from qwen_infra.toolchain.commands import CommandFailedError, CommandRunner
from qwen_infra.toolchain.failures import explain_failure
from qwen_infra.toolchain.folders import is_program, make_folder
from qwen_infra.toolchain.golang import GO_PACKAGE_VERSION, INSTALL_EXPECTED_S, Go, find_go, install_go
from qwen_infra.toolchain.locks import hold_lock
from qwen_infra.toolchain.programs import PROGRAMS_OF
from qwen_infra.toolchain.progress import Progress, Report, expected_minutes
from qwen_infra.toolchain.recipes import PatchedModule, Recipe

BUILD_TIMEOUT_S = 3600
"""For one command; the slowest takes five minutes on two cores."""

_LOCK_TIMEOUT_S = 2 * BUILD_TIMEOUT_S
_BUILD_FLAGS = ("-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false")
"""Without paths of this machine; without debugging information, which the linker would drop anyway: saves 15 % of the
compile time."""


@dataclass(frozen=True)
class _Workplace:
    """What the steps of a build share."""

    go: Go
    runner: CommandRunner
    work: Path


def is_built(recipe: Recipe, folder: Path) -> bool:
    """Whether the cache has all of this recipe's programs."""
    built = folder / recipe.cache_name()
    return all(is_program(built / name) for name in (*PROGRAMS_OF[recipe.name], *recipe.script_names))


def build_recipes(recipes: Sequence[Recipe], folder: Path, report: Report | None) -> None:
    """Builds those of the recipes that the cache lacks, in the given order; only one process does so at a time.

    Raises:
        EnvironmentMissingError: a step failed; says which program, which command, its last lines and what else would
        help.
    """
    make_folder(folder)
    with hold_lock(folder / "build.lock", timeout_s=_LOCK_TIMEOUT_S, say=Progress(0, report).say):
        missing = [recipe for recipe in recipes if not is_built(recipe, folder)]
        if not missing:
            return
        shutil.rmtree(folder / "building", ignore_errors=True)
        work = make_folder(folder / "building" / "scratch").parent
        make_folder(folder / "logs")
        try:
            _build_all(missing, folder, work, report)
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _build_all(recipes: Sequence[Recipe], folder: Path, work: Path, report: Report | None) -> None:
    go = find_go(folder)
    progress = Progress(len(recipes) + (0 if go else 1), report)
    count = sum(len(PROGRAMS_OF[recipe.name]) for recipe in recipes)
    expected_s = sum(recipe.expected_s for recipe in recipes) + (0 if go else INSTALL_EXPECTED_S)
    progress.say(
        f"building {count} program{'s' if count > 1 else ''} from source, {expected_minutes(expected_s)}; needed once"
    )
    if not go:
        go = _install_go(folder, work, progress)
    for recipe in recipes:
        log = folder / "logs" / f"{recipe.name}.log"
        counter = _PackageCounter(progress)
        runner = CommandRunner(go.environment(work / "scratch"), log, BUILD_TIMEOUT_S, counter.tick)
        try:
            with progress.step(recipe.title):
                log.write_text("")
                _build(recipe, folder, _Workplace(go, runner, work))
        except (CommandFailedError, OSError) as error:
            raise explain_failure(recipe.title, PROGRAMS_OF[recipe.name], log, error) from error


def _install_go(folder: Path, work: Path, progress: Progress) -> Go:
    title = f"go {GO_PACKAGE_VERSION}"
    log = folder / "logs" / "go.log"
    go = Go(Path("go"))
    try:
        with progress.step(title):
            runner = CommandRunner(
                go.environment(work / "scratch"), log, BUILD_TIMEOUT_S, lambda _: progress.tick("fetching")
            )
            log.write_text("")
            return install_go(folder, runner, work)
    except (CommandFailedError, OSError) as error:
        raise explain_failure(title, ("go",), log, error) from error


@dataclass
class _PackageCounter:
    """Turns the lines of ``go build -v`` into progress."""

    progress: Progress
    packages: int = 0

    def tick(self, line: str | None) -> None:
        if line and " " not in line:
            self.packages += 1
        self.progress.tick(f"{self.packages} packages compiled" if self.packages else "fetching sources")


def _build(recipe: Recipe, folder: Path, place: _Workplace) -> None:
    started = time.monotonic()
    result = make_folder(place.work / recipe.name)
    module_flags = _patch(recipe, recipe.patched_module, place) if recipe.patched_module else ()
    # A folder as the target of -o takes any number of programs, each named after its package.
    target = result / recipe.output if recipe.output else f"{result}/"
    linker = " ".join(("-s", "-w", *recipe.ldflags))
    build = [
        place.go.command,
        "build",
        "-v",
        *_BUILD_FLAGS,
        *module_flags,
        "-ldflags",
        linker,
        "-o",
        target,
        *recipe.packages,
    ]
    place.runner.run(build, folder=recipe.folder)
    for link in recipe.links:
        (result / link).symlink_to(str(recipe.output))
    for script in recipe.scripts:
        # The module proxy's archives keep no file modes.
        source = _module_folder(script.package, recipe, place) / script.path
        shutil.copyfile(source, result / source.name)
        (result / source.name).chmod(0o755)
    seconds = round(time.monotonic() - started, 1)
    (result / "built.json").write_text(
        json.dumps({"version": recipe.version, "seconds": seconds, "programs": PROGRAMS_OF[recipe.name]})
    )
    _install(recipe, result, folder)


def _install(recipe: Recipe, result: Path, folder: Path) -> None:
    target = folder / recipe.cache_name()
    # Only a damaged one can be there: a complete one would not have been built again.
    shutil.rmtree(target, ignore_errors=True)
    result.rename(target)
    if not is_built(recipe, folder):
        raise EnvironmentMissingError(
            f"the recipe {recipe.name} did not make its programs",
            where=str(target),
            found=", ".join(sorted(path.name for path in target.iterdir())),
            expected=", ".join((*PROGRAMS_OF[recipe.name], *recipe.script_names)),
            mend=f"correct tools/{recipe.name}/recipe.toml",
        )


def _module_folder(package: str, recipe: Recipe, place: _Workplace) -> Path:
    """Where the module of ``package`` lies in Go's module cache, fetched if need be."""
    # Not `go mod download` or `go list -m`: they ask for a version's .info file, which the module proxy does not have
    # for every module.
    lines = place.runner.run(
        [place.go.command, "list", "-find", "-f", "{{.Module.Dir}}", package], folder=recipe.folder
    )
    return Path(lines[-1])


def _patch(recipe: Recipe, module: PatchedModule, place: _Workplace) -> tuple[str, ...]:
    """Makes the completed copy of the module; returns the flag that makes Go build with it."""
    # Sources in Go's module cache cannot be added to, not even with -overlay.
    copy = place.work / "module"
    shutil.copytree(_module_folder(module.package, recipe, place), copy, copy_function=shutil.copyfile)
    for path in copy.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)
    for generated in module.generated:
        content = json.loads((copy / generated.source).read_text())
        content.update(generated.changes)
        (copy / generated.target).write_text(json.dumps(content, separators=(",", ":")))
    for edit in module.edits:
        _edit(copy / edit.path, edit.old, edit.new)
    modfile = place.work / "patched.mod"
    modfile.write_text(f"{(recipe.folder / 'go.mod').read_text()}\nreplace {module.path} => {copy}\n")
    shutil.copyfile(recipe.folder / "go.sum", modfile.with_suffix(".sum"))
    return (f"-modfile={modfile}",)


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    if text.count(old) != 1:
        raise EnvironmentMissingError(
            "a source file is not as its recipe expects",
            where=str(file),
            found=f"{text.count(old)} x {old!r}",
            expected="once",
        )
    file.write_text(text.replace(old, new))
