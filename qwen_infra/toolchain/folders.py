"""Where the toolchain keeps its things, and how a file is put in place so that nobody ever sees half of it.

Layout below the root: one ``<recipe>-<hash>`` folder per built recipe, ``bin-<hash>`` folders of resolved programs,
``go-*`` folders when Go itself had to be installed, ``building`` for work in progress, ``logs``. What is built, and
how, is in recipes.py and builds.py.
"""

import os
import shutil
from pathlib import Path

from qwen_infra.errors import EnvironmentMissingError

CACHE_VARIABLE = "QWEN_INFRA_CACHE"


def toolchain_folder() -> Path:
    """``$QWEN_INFRA_CACHE/toolchain``, else ``qwen-infra/toolchain`` in the user's XDG cache directory."""
    own = os.environ.get(CACHE_VARIABLE)
    if own:
        return Path(own).expanduser().absolute() / "toolchain"
    user = os.environ.get("XDG_CACHE_HOME")
    base = Path(user) if user and Path(user).is_absolute() else Path.home() / ".cache"
    return base / "qwen-infra" / "toolchain"


def recipes_folder() -> Path:
    """``tools/`` of the checkout that this package runs from; absent where there is no checkout."""
    return Path(__file__).resolve().parents[2] / "tools"


def make_folder(folder: Path) -> Path:
    """The folder, created with its parents; an unusable cache is the user's to mend and says so."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return folder


def make_link(source: Path, target: Path) -> None:
    """A symbolic link to a program that is not ours."""
    try:
        target.symlink_to(source)
    except OSError as error:
        raise _unwritable(target, error) from error


def _unwritable(path: Path, error: OSError) -> EnvironmentMissingError:
    return EnvironmentMissingError(
        "the toolchain cannot write here",
        where=str(path),
        found=error.strerror or str(error),
        mend=f"make room, or set {CACHE_VARIABLE} to a folder that you can write to",
    )


def place_file(source: Path, target: Path) -> None:
    """Makes ``target`` the same program as ``source``, in one step: a hard link, or a copy where that is not possible.

    Not a symbolic link: the Pulumi CLI looks for its language host beside its own resolved path, so the two must
    really lie together.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        temporary.unlink(missing_ok=True)
        _link_or_copy(source.resolve(), temporary)
        temporary.replace(target)
    except OSError as error:
        raise _unwritable(target, error) from error


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        # Another file system, or one without hard links.
        shutil.copy2(source, target)


def is_placed(source: Path, target: Path) -> bool:
    """Whether ``target`` is ``source``, a link to it, or a copy that ``place_file`` made of it."""
    try:
        ours, theirs = target.stat(), source.stat()
    except OSError:
        return False
    return (ours.st_size, ours.st_mtime_ns) == (theirs.st_size, theirs.st_mtime_ns)


def is_program(path: Path) -> bool:
    """Whether there is a file that this user may execute."""
    return path.is_file() and os.access(path, os.X_OK)
