"""The manifest: written last and in one rename, it alone means that a folder is complete."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qwen_infra.download.exits import DownloadError, Exit
from qwen_infra.download.order import DownloadOrder

__all__ = [
    "MANIFEST_NAME",
    "Manifest",
    "ManifestFile",
    "read_manifest",
    "remove_manifest",
    "select_patterns",
    "write_manifest",
]

MANIFEST_NAME = ".qwen-infra-manifest.json"
_MANIFEST_FORMAT = 2


@dataclass(frozen=True)
class ManifestFile:
    """Size in bytes and SHA-256 of one file."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Which files of which commit a folder holds. ``selection``: the patterns that chose them."""

    repository: str
    revision: str
    commit: str
    selection: Mapping[str, Any]
    files: Mapping[str, ManifestFile]
    tool: str
    completed_at: str

    @property
    def digest(self) -> str:
        """SHA-256 over repository, commit, names, sizes and digests: equal on every node that holds the same files."""
        files = {name: [file.size, file.sha256] for name, file in self.files.items()}
        text = json.dumps([self.repository, self.commit, files], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def total_bytes(self) -> int:
        return sum(file.size for file in self.files.values())

    def satisfies(self, order: DownloadOrder, commit: str) -> bool:
        return (self.repository, self.commit) == (order.repository, commit) and self.selection == select_patterns(order)

    def is_whole(self, folder: Path) -> bool:
        """Whether every file is there with its size; the bytes themselves are read by a verification only."""
        return all(_size_of(folder / name) == file.size for name, file in self.files.items())


def select_patterns(order: DownloadOrder) -> dict[str, list[str]]:
    """The patterns of an order, in the manifest's words."""
    return {"allow": list(order.allow), "ignore": list(order.ignore)}


def read_manifest(folder: Path) -> Manifest | None:
    """The folder's manifest; ``None`` when there is none that this version wrote."""
    try:
        found = json.loads((folder / MANIFEST_NAME).read_text("utf-8"))
        if found["format"] != _MANIFEST_FORMAT:
            return None
        return Manifest(
            repository=found["repository"],
            revision=found["revision"],
            commit=found["commit"],
            selection=found["selection"],
            files={name: ManifestFile(**file) for name, file in found["files"].items()},
            tool=found["tool"],
            completed_at=found["completed_at"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Declare the folder complete; after a power cut too, since every rename before it is flushed first."""
    if not manifest.is_whole(folder):
        raise DownloadError(Exit.STORAGE_FAILED, f"{folder}: files changed while the download ran; run it again")
    for inner in {folder, *((folder / name).parent for name in manifest.files)}:
        _sync_folder(inner)
    document = {
        "format": _MANIFEST_FORMAT,
        "repository": manifest.repository,
        "revision": manifest.revision,
        "commit": manifest.commit,
        "digest": manifest.digest,
        "selection": dict(manifest.selection),
        "files": {name: {"size": file.size, "sha256": file.sha256} for name, file in sorted(manifest.files.items())},
        "tool": manifest.tool,
        "completed_at": manifest.completed_at,
    }
    draft = folder / f"{MANIFEST_NAME}.draft"
    with draft.open("w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / MANIFEST_NAME)
    _sync_folder(folder)


def remove_manifest(folder: Path) -> None:
    """Declare the folder incomplete, before anything in it changes."""
    if (folder / MANIFEST_NAME).exists():
        (folder / MANIFEST_NAME).unlink()
        _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    """Flush a folder's names to the disk; file systems that cannot are let be."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some network file systems refuse it for folders and write names through anyway
    finally:
        os.close(descriptor)


def _size_of(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
