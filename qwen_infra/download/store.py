"""A folder of many models: ``OWNER/NAME/COMMIT`` for each revision, and a link for a branch or tag.

A new revision arrives beside the one that is being served; the link moves when it is complete. What a person put into
``OWNER/NAME`` by hand is adopted from there and never touched.
"""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from qwen_infra.download.manifest import Manifest, read_manifest, remove_manifest
from qwen_infra.download.order import is_commit

__all__ = ["find_revisions", "point_to", "prune_revisions", "revision_folder_name"]


def revision_folder_name(revision: str) -> str:
    """The name below ``OWNER/NAME`` where a revision is found: a commit's own, or that of a branch's or tag's link."""
    return revision if is_commit(revision) else "revision-" + re.sub(r"[^A-Za-z0-9._-]", "-", revision)


def find_revisions(base: Path, commit: str) -> list[Path]:
    """Folders of other revisions, complete or not."""
    if not base.is_dir():
        return []
    return sorted(path for path in base.iterdir() if is_commit(path.name) and path.name != commit and path.is_dir())


def point_to(base: Path, revision: str, commit: str) -> Path:
    """Let the revision's name lead to the commit, in one rename; the path that a server reads."""
    path = base / revision_folder_name(revision)
    if path.name != commit and not (path.is_symlink() and path.readlink() == Path(commit)):
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        draft.symlink_to(commit)
        draft.replace(path)
    return path


def prune_revisions(base: Path, commit: str, keep: int, say: Callable[[str], None]) -> None:
    """Remove revisions until ``keep`` complete ones are left, the newest ones and ``commit``; then incomplete ones.

    What a link leads to stays, and so does every folder that is not ours.
    """
    linked = {path.readlink().name for path in base.iterdir() if path.is_symlink()}
    known = [(path, read_manifest(path)) for path in find_revisions(base, commit)]
    complete = sorted(((manifest.completed_at, path) for path, manifest in known if manifest is not None), reverse=True)
    kept = {path for _, path in complete[: keep - 1]}
    for path, manifest in known:
        if path not in kept and path.name not in linked and (manifest or _is_abandoned(path)):
            say(f"removing revision {path.name}{'' if manifest else ', which was never completed'}")
            _remove(path, manifest)


def _is_abandoned(path: Path) -> bool:
    """Begun by this downloader and owned by nobody now."""
    work = path / ".qwen-infra"
    return work.is_dir() and not (work / "owner.json").exists()


def _remove(path: Path, manifest: Manifest | None) -> None:
    """The manifest first: no reader may find it over files that are going away."""
    if manifest:
        remove_manifest(path)
    shutil.rmtree(path, ignore_errors=True)
