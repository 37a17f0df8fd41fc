"""Repositories of the stand-in: folders published as commits, with the sizes and digests that a Hub states."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["HubRepository", "PublishedFile"]

LFS_FROM_BYTES = 1 << 20
"""A Hub keeps larger files in LFS; smaller ones are git blobs."""
_ALWAYS_LFS = frozenset({".safetensors", ".bin", ".gguf"})
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class PublishedFile:
    """One file of a commit: its bytes on disk, and what the Hub says of it."""

    path: Path
    size: int
    git_hash: str
    sha256: str | None
    """Of LFS files only."""

    @property
    def etag(self) -> str:
        return self.sha256 or self.git_hash

    def describe(self, name: str) -> dict[str, Any]:
        """The entry of a tree listing."""
        found: dict[str, Any] = {"type": "file", "path": name, "size": self.size, "oid": self.git_hash}
        if self.sha256:
            found["lfs"] = {"oid": self.sha256, "size": self.size, "pointerSize": 134}
        return found


@dataclass
class HubRepository:
    """``commits``: commit to its files by name; ``references``: branch or tag to commit.

    ``token``: only requests with it see the repository; ``gated``: nobody does, before its licence is accepted.
    ``any_commit``: a commit that was never published has the files of ``main``, so that a pinned stack finds one.
    """

    name: str
    commits: dict[str, dict[str, PublishedFile]] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    token: str | None = None
    gated: bool = False
    any_commit: bool = False

    def publish(self, folder: Path, reference: str = "main") -> str:
        """Make the folder's files, which must not change later, a commit to which ``reference`` leads; its hash."""
        files = {
            str(path.relative_to(folder)): _publish_file(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not any(part.startswith(".qwen-infra") for part in path.relative_to(folder).parts)
        }
        listing = "\n".join(f"{file.git_hash} {name}" for name, file in files.items())
        commit = hashlib.sha1(f"{self.name}\n{listing}".encode(), usedforsecurity=False).hexdigest()
        self.commits[commit] = files
        self.references[reference] = commit
        return commit

    def resolve(self, revision: str) -> str | None:
        """The commit behind a branch, a tag or a commit."""
        is_known = revision in self.commits or (self.any_commit and _COMMIT.fullmatch(revision))
        return self.references.get(revision, revision if is_known else None)

    def find_files(self, commit: str) -> dict[str, PublishedFile]:
        """The files of a commit that ``resolve`` gave."""
        return self.commits[commit if commit in self.commits else self.references["main"]]


def _publish_file(path: Path) -> PublishedFile:
    size = path.stat().st_size
    git, sha256 = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(1 << 22):
            git.update(data)
            sha256.update(data)
    is_lfs = size >= LFS_FROM_BYTES or path.suffix in _ALWAYS_LFS
    return PublishedFile(path, size, git.hexdigest(), sha256.hexdigest() if is_lfs else None)
