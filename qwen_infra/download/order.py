"""What is asked for: which files of which revision, into which folder, and how patiently."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

__all__ = ["DownloadOrder", "is_commit"]

_MOST_IN_HAND = 1 << 20
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class DownloadOrder:
    """One order. Sizes in bytes, times in seconds.

    Exactly one of ``target`` (the folder itself) and ``store`` (a folder of many models: ``OWNER/NAME/COMMIT`` below
    it) is set. ``adopt``: folders whose files are taken, once verified, instead of being fetched.
    """

    repository: str
    revision: str
    target: Path | None = None
    store: Path | None = None
    allow: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    adopt: tuple[Path, ...] = ()
    keep_revisions: int | None = None
    verify: bool = False
    jobs: int = 8
    part_size: int = 16 << 20
    stall_s: float = 120.0
    retries: int = 8
    retry_delay_s: float = 1.0

    @property
    def receive_size(self) -> int:
        """Most bytes in hand at once."""
        return max(1, min(_MOST_IN_HAND, self.part_size // 4))

    @property
    def list_every(self) -> int:
        """Bytes after which the list of what is surely there grows: with those in hand, a kill costs one part."""
        return max(1, self.part_size - self.receive_size)

    def wants(self, name: str) -> bool:
        """Whether a file is asked for; patterns are those of ``huggingface_hub`` (``*.md``, ``original/``)."""
        return (not self.allow or _matches(name, self.allow)) and not _matches(name, self.ignore)


def is_commit(revision: str) -> bool:
    """Whether a revision is a whole commit hash, and so can never mean other files."""
    return _COMMIT.fullmatch(revision) is not None


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, f"{pattern}*" if pattern.endswith("/") else pattern) for pattern in patterns)
