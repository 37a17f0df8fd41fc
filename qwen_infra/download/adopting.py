"""Files that lie elsewhere on this machine already: verified, then linked or copied instead of fetched.

They come from a folder that somebody filled by hand, or from another revision of the same repository.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from qwen_infra.download.digests import FileDigest, hash_file
from qwen_infra.download.hub import HubFile
from qwen_infra.download.manifest import read_manifest

__all__ = ["adopt", "find_candidates"]


def find_candidates(file: HubFile, folders: Sequence[Path]) -> list[Path]:
    """Files that may be this one: of its name and size, or of its digest according to a manifest there."""
    found: list[Path] = []
    for folder in folders:
        names = [file.name]
        manifest = read_manifest(folder) if file.sha256 else None
        if manifest:
            names += [name for name, known in manifest.files.items() if known.sha256 == file.sha256]
        found += [path for name in names if (path := folder / name).is_file() and path.stat().st_size == file.size]
    return list(dict.fromkeys(found))


def adopt(
    file: HubFile, candidate: Path, target: Path, draft: Path, on_bytes: Callable[[int], None]
) -> FileDigest | None:
    """Make ``target`` the candidate's content if that is the right one; ``None`` when it is not.

    A hard link where the file system can: no second copy, and the folder it came from stays as it was. ``draft`` is a
    name to work under, on the disk of ``target``.
    """
    digest = hash_file(candidate, with_git=file.git is not None, on_bytes=on_bytes)
    if not file.is_matched_by(digest):
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    draft.unlink(missing_ok=True)
    try:
        os.link(candidate.resolve(), draft)
    except OSError:  # another file system, one without links, or a file of another user
        shutil.copyfile(candidate, draft)
        _sync(draft)
    draft.replace(target)
    return digest


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
