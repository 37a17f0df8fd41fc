"""Digests as the Hub states them: SHA-256 for LFS files, git's blob hash for the small ones."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

__all__ = ["FileDigest", "Hasher", "hash_file"]

_HASH_SIZE = 4 << 20


class Hasher(Protocol):
    """What ``hashlib`` makes."""

    def update(self, data: bytes | memoryview, /) -> None: ...

    def hexdigest(self) -> str: ...


class FileDigest:
    """Hashes a file of known size while it arrives: SHA-256 always, git's blob hash where the Hub states that one."""

    def __init__(self, size: int, *, with_git: bool) -> None:
        self._sha256: Hasher = hashlib.sha256()
        self._git: Hasher | None = None
        if with_git:
            self._git = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)

    def update(self, data: bytes | memoryview) -> None:
        self._sha256.update(data)
        if self._git is not None:
            self._git.update(data)

    @property
    def sha256(self) -> str:
        """Of everything until now; asking does not end the hashing."""
        return self._sha256.hexdigest()

    @property
    def git(self) -> str | None:
        return self._git.hexdigest() if self._git is not None else None


def hash_file(path: Path, *, with_git: bool, on_bytes: Callable[[int], None] = lambda _: None) -> FileDigest:
    """The digest of a file on disk; ``on_bytes`` hears how many bytes were read, and may raise to stop."""
    digest = FileDigest(path.stat().st_size, with_git=with_git)
    with path.open("rb", buffering=0) as file:
        while data := file.read(_HASH_SIZE):
            digest.update(data)
            on_bytes(len(data))
    return digest
