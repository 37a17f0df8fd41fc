"""Getting one file whole: what is there already, else adopted, else streamed from the Hub and hashed on the way."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qwen_infra.download.adopting import adopt, find_candidates
from qwen_infra.download.connections import ByteStream, open_stream
from qwen_infra.download.digests import hash_file
from qwen_infra.download.exits import DownloadError, Exit, StoppedError
from qwen_infra.download.hub import HubFile, hub_headers
from qwen_infra.download.manifest import ManifestFile
from qwen_infra.download.order import DownloadOrder
from qwen_infra.download.partial import PartialFile
from qwen_infra.download.progress import Counters
from qwen_infra.download.retrying import Patience, TransientError

__all__ = ["FileFetcher", "FinishedFiles"]

_MISMATCHES_TO_GIVE_UP = 3
_STALL_GROWTH = 64 << 10
"""Bytes within the stall time that count as growth: a trickle is a stall, too."""


class FinishedFiles:
    """Files that this downloader verified, by size and time of change: a restart does not read them again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, object]] = {}
        for line in path.read_text("utf-8").splitlines() if path.exists() else ():
            try:
                found = json.loads(line)
            except ValueError:
                break  # a kill cut this line short
            self._known[found["name"]] = found

    def find(self, file: HubFile, path: Path) -> ManifestFile | None:
        """The file if nothing has touched it since; small ones, whose SHA-256 the Hub does not state, are read anew."""
        known = self._known.get(file.name)
        if known is None or known["sha256"] != file.sha256 or not path.is_file():
            return None
        status = path.stat()
        if (status.st_size, status.st_mtime_ns) != (known["size"], known["mtime_ns"]):
            return None
        return ManifestFile(status.st_size, str(known["sha256"]))

    def add(self, name: str, path: Path, sha256: str) -> ManifestFile:
        status = path.stat()
        entry = {"name": name, "sha256": sha256, "size": status.st_size, "mtime_ns": status.st_mtime_ns}
        with self._lock, self._path.open("a", encoding="utf-8") as log:
            log.write(f"{json.dumps(entry)}\n")
            self._known[name] = entry
        return ManifestFile(status.st_size, sha256)

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)
        self._known.clear()


@dataclass(frozen=True)
class FileFetcher:
    """Fetches files of one order into ``folder``; its methods run on several threads, one file on one of them."""

    order: DownloadOrder
    folder: Path
    work: Path
    sources: Sequence[Path]
    finished: FinishedFiles
    counters: Counters
    stop: threading.Event
    say: Callable[[str], None]

    def get(self, file: HubFile) -> ManifestFile:
        """Make ``folder / name`` the file, verified.

        Raises:
            DownloadError: it cannot be had.
            StoppedError: the download ends for another reason; what arrived is noted.
        """
        self.counters.start(file.name, file.size)
        found = self._find(file) or self._adopt(file) or self._fetch(file)
        self.counters.finish(file.name)
        return found

    def _find(self, file: HubFile) -> ManifestFile | None:
        """The file in its place already, recorded as finished or verified now."""
        path = self.folder / file.name
        known = self.finished.find(file, path)
        if known is not None:
            self.counters.found(file.name, known.size)
            return known
        if not path.is_file() or path.stat().st_size != file.size:
            return None
        digest = hash_file(path, with_git=file.git is not None, on_bytes=lambda count: self._heard(file, count))
        if file.is_matched_by(digest):
            return self.finished.add(file.name, path, digest.sha256)
        self.say(f"{path}: has the right size and other content, so it is fetched again")
        self.counters.lost(file.name)
        return None

    def _adopt(self, file: HubFile) -> ManifestFile | None:
        target = self.folder / file.name
        draft = PartialFile(self.work, file, self.order.list_every).adoption_path
        for candidate in find_candidates(file, self.sources):
            digest = adopt(file, candidate, target, draft, lambda count: self._heard(file, count))
            if digest is not None:
                return self.finished.add(file.name, target, digest.sha256)
            self.say(f"{candidate}: has the right size and other content, so it is not adopted")
            self.counters.lost(file.name)
        return None

    def _heard(self, file: HubFile, count: int) -> None:
        if self.stop.is_set():
            raise StoppedError
        self.counters.found(file.name, count)

    def _fetch(self, file: HubFile) -> ManifestFile:
        target = self.folder / file.name
        mismatches = 0
        patience = Patience(self.order, self.stop, self.say)
        with PartialFile(self.work, file, self.order.list_every) as part:
            part.resume(lambda count: self._heard(file, count))
            while True:
                try:
                    self._fill(file, part, patience)
                    problem = "" if file.is_matched_by(part.digest) else f"the digest is not {file.identity}"
                except _WrongSizeError as error:
                    problem = str(error)
                if not problem:
                    break
                mismatches += 1
                if mismatches >= _MISMATCHES_TO_GIVE_UP:
                    raise DownloadError(
                        Exit.DIGEST_MISMATCH,
                        f"{file.name}: {problem}, {mismatches} times in a row. What the server sends is not what the "
                        "Hub's metadata promises: suspect a mirror or a proxy between here and the Hub",
                    )
                self.say(f"{file.name}: {problem}; fetching it again from the beginning")
                self._restart(file, part, None)
            sha256 = part.digest.sha256
            part.become(target)
        return self.finished.add(file.name, target, sha256)

    def _fill(self, file: HubFile, part: PartialFile, patience: Patience) -> None:
        """Stream until the file has its size, over as many connections as it takes."""
        while part.length < file.size:
            before = part.length
            try:
                self._stream(file, part)
            except TransientError as error:
                if part.length > before:
                    patience.reset()
                patience.wait(file.name, error)
            except StoppedError:
                part.note()
                raise

    def _stream(self, file: HubFile, part: PartialFile) -> None:
        stream = open_stream(file.url, hub_headers(), start=part.length, etag=part.etag, timeout_s=self.order.stall_s)
        try:
            if stream.total is not None and stream.total != file.size:
                raise _WrongSizeError(f"the server has {stream.total} bytes, the Hub's metadata says {file.size}")
            if stream.start != part.length:
                reason = "the file changed on the server" if part.etag != stream.etag else "the server gives no ranges"
                self.say(f"{file.name}: {reason}, starting it from the beginning")
                self._restart(file, part, stream.etag)
            part.remember_etag(stream.etag)
            self._copy(file, part, stream)
        finally:
            stream.close()

    def _copy(self, file: HubFile, part: PartialFile, stream: ByteStream) -> None:
        grown_at, mark = time.monotonic(), part.length
        while part.length < file.size:
            if self.stop.is_set():
                raise StoppedError
            data = stream.read(self.order.receive_size)
            if not data:
                raise TransientError("the connection ended early")
            if part.length + len(data) > file.size:
                raise _WrongSizeError(f"the server sends more than the {file.size} bytes of the Hub's metadata")
            part.append(data)
            self.counters.fetched(file.name, len(data))
            if part.length - mark >= _STALL_GROWTH:
                grown_at, mark = time.monotonic(), part.length
            elif time.monotonic() - grown_at > self.order.stall_s:
                raise TransientError(f"stalled: less than {_STALL_GROWTH >> 10} KiB in {self.order.stall_s:.0f} s")

    def _restart(self, file: HubFile, part: PartialFile, etag: str | None) -> None:
        part.restart(etag)
        self.counters.lost(file.name)


class _WrongSizeError(Exception):
    """The server's file has another size than the Hub's metadata says."""
