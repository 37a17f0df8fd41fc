"""A file that is still arriving: its bytes, and beside them the list of parts that are surely there.

The list holds the running SHA-256 at the end of each part. After a restart the bytes are read again, which rebuilds the
hash, and the last part whose running digest agrees is where the download goes on: a kill costs at most one part, and
bytes that a power cut lost are found out.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from qwen_infra.download.digests import FileDigest
from qwen_infra.download.hub import HubFile

__all__ = ["PartialFile"]

_REREAD_SIZE = 4 << 20
_DATA, _PARTS, _ADOPTION = ".data", ".parts", ".data-adopting"


class PartialFile:
    """Appends arriving bytes; a context manager that closes its files and leaves them on disk."""

    def __init__(self, folder: Path, file: HubFile, part_size: int) -> None:
        key = hashlib.sha256(f"{file.name}\0{file.identity}".encode()).hexdigest()[:24]
        self.data_path, self._parts_path = folder / f"{key}{_DATA}", folder / f"{key}{_PARTS}"
        self.adoption_path = folder / f"{key}{_ADOPTION}"
        self._file = file
        self._part_size = part_size
        self._data: int = -1
        self._parts: IO[bytes] | None = None
        self._noted = 0
        self.length = 0
        self.etag: str | None = None
        self.digest = self._new_digest()

    @staticmethod
    def names_of(folder: Path, files: Iterable[HubFile]) -> set[str]:
        """Names that the partial states of ``files`` have, whether they exist or not."""
        found = (PartialFile(folder, file, 1) for file in files)
        return {path.name for item in found for path in (item.data_path, item._parts_path)}

    @staticmethod
    def names_in(folder: Path) -> set[str]:
        """Names of all partial states in ``folder``."""
        return {path.name for path in folder.iterdir() if path.suffix.startswith((_DATA, _PARTS))}

    def present_bytes(self) -> int:
        """Bytes on disk already, verified or not."""
        return self.data_path.stat().st_size if self.data_path.exists() else 0

    def __enter__(self) -> Self:
        self._data = os.open(self.data_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def resume(self, on_bytes: Callable[[int], None]) -> None:
        """Find out how much is surely there; ``on_bytes`` hears of each part of it."""
        self.etag, parts = self._read_parts()
        good: list[dict[str, Any]] = []
        for part in parts:
            if not self._agrees(part):
                break
            good.append(part)
            on_bytes(int(part["end"]) - self.length)
            self.length = int(part["end"])
        self._rehash(good)
        self._start_list(good)

    def append(self, data: bytes) -> None:
        """Keep the next bytes; the list grows at the end of each part."""
        view = memoryview(data)
        while view:
            room = self._part_size - self.length % self._part_size
            piece = view[:room]
            self._write(piece)
            self.digest.update(piece)
            self.length += len(piece)
            view = view[len(piece) :]
            if self.length % self._part_size == 0:
                self.note()

    def note(self) -> None:
        """Put what has arrived on the list, so that nothing of it is fetched again."""
        if self.length > self._noted and self._parts is not None:
            self._add({"end": self.length, "sha256": self.digest.sha256})
            self._noted = self.length

    def restart(self, etag: str | None) -> None:
        """Forget everything: the server's file is another one, or it cannot give a range."""
        os.ftruncate(self._data, 0)
        self.length = self._noted = 0
        self.digest = self._new_digest()
        self.etag = etag
        self._start_list([])

    def remember_etag(self, etag: str | None) -> None:
        """Keep the validator that the next request sends; known from the first answer on."""
        if etag is not None and self.etag is None:
            self.etag = etag
            self._add({"etag": etag})

    def become(self, path: Path) -> None:
        """Turn into the final file, flushed to the disk first, in one rename."""
        os.fsync(self._data)
        self.close()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.data_path.replace(path)
        self._parts_path.unlink(missing_ok=True)

    def close(self) -> None:
        if self._parts is not None:
            self._parts.close()
            self._parts = None
        if self._data >= 0:
            os.close(self._data)
            self._data = -1

    def _new_digest(self) -> FileDigest:
        return FileDigest(self._file.size, with_git=self._file.git is not None)

    def _write(self, data: memoryview) -> None:
        offset = self.length
        while data:
            written = os.pwrite(self._data, data, offset)
            offset += written
            data = data[written:]

    def _read_parts(self) -> tuple[str | None, list[dict[str, Any]]]:
        """The validator and the parts in order; a line that a kill cut short ends the list."""
        etag: str | None = None
        parts: list[dict[str, Any]] = []
        lines = self._parts_path.read_bytes().splitlines() if self._parts_path.exists() else []
        for line in lines:
            try:
                found = json.loads(line)
            except ValueError:
                break
            if "etag" in found:
                etag = found["etag"]
            else:
                parts.append(found)
        return etag, parts

    def _agrees(self, part: dict[str, Any]) -> bool:
        """Whether the bytes up to the part's end have its running digest; hashes them on the way."""
        end = int(part["end"])
        if end > self._file.size:
            return False
        offset = self.length
        while offset < end:
            data = os.pread(self._data, min(_REREAD_SIZE, end - offset), offset)
            if not data:
                return False
            self.digest.update(data)
            offset += len(data)
        return bool(self.digest.sha256 == part["sha256"])

    def _rehash(self, good: list[dict[str, Any]]) -> None:
        """Cut what lies behind the good parts; the hash is made anew where it had run into the bad ones."""
        os.ftruncate(self._data, self.length)
        if good and self.digest.sha256 == good[-1]["sha256"]:
            return
        self.digest = self._new_digest()
        offset = 0
        while offset < self.length and (data := os.pread(self._data, _REREAD_SIZE, offset)):
            self.digest.update(data)
            offset += len(data)

    def _start_list(self, parts: list[dict[str, Any]]) -> None:
        """Write the list anew and keep it open; the rename keeps a kill from leaving half of it."""
        lines = [*([{"etag": self.etag}] if self.etag else []), *parts]
        draft = self._parts_path.with_suffix(".parts-draft")
        draft.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
        if self._parts is not None:
            self._parts.close()
        draft.replace(self._parts_path)
        self._parts = self._parts_path.open("ab", buffering=0)
        self._noted = self.length

    def _add(self, line: dict[str, Any]) -> None:
        if self._parts is not None:
            self._parts.write(f"{json.dumps(line)}\n".encode())
