"""The whole of one download: look up, take the folder, make room, fetch, verify, declare complete."""

import shutil
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from qwen_infra.download.adopting import find_candidates
from qwen_infra.download.connections import use_certificates_of_environment
from qwen_infra.download.digests import hash_file
from qwen_infra.download.exits import DownloadError, Exit, StoppedError, explain_stop
from qwen_infra.download.fetching import FileFetcher, FinishedFiles
from qwen_infra.download.hub import HubFile, HubSnapshot, look_up_snapshot
from qwen_infra.download.manifest import (
    Manifest,
    ManifestFile,
    read_manifest,
    remove_manifest,
    select_patterns,
    write_manifest,
)
from qwen_infra.download.order import DownloadOrder, is_commit
from qwen_infra.download.ownership import FolderOwnership, own_folder
from qwen_infra.download.partial import PartialFile
from qwen_infra.download.progress import Counters, Reporter, format_bytes, format_duration
from qwen_infra.download.retrying import Patience, persist
from qwen_infra.download.storage_errors import explain_storage_errors
from qwen_infra.download.store import find_revisions, point_to, prune_revisions, revision_folder_name
from qwen_infra.download.workers import run_in_parallel

__all__ = ["DownloadResult", "describe_result", "run_download"]

_Done = TypeVar("_Done")
TOOL = "qwen-infra downloader 1"
WORK_FOLDER = ".qwen-infra"
_LEAST_MARGIN, _MOST_MARGIN = 16 << 20, 1 << 30
"""Bytes that stay free: a twentieth of the model within these bounds."""


@dataclass(frozen=True)
class DownloadResult:
    """A complete folder. ``path``: what a server reads, which for a branch in a store is the link. Bytes, seconds."""

    manifest: Manifest
    path: Path
    fetched_bytes: int = 0
    found_bytes: int = 0
    seconds: float = 0.0


@dataclass
class _Run:
    """What the steps of one download share."""

    order: DownloadOrder
    reporter: Reporter
    stop: threading.Event
    counters: Counters = field(default_factory=Counters)
    started: float = field(default_factory=time.monotonic)


def run_download(order: DownloadOrder, reporter: Reporter, stop: threading.Event | None = None) -> DownloadResult:
    """Make the folder hold the files of the order; does nothing when its manifest says so already.

    Args:
        order: what and where.
        reporter: hears messages and progress.
        stop: set by another thread to end early; what has arrived is noted on disk.

    Raises:
        DownloadError: it could not be completed; its exit code says whether a retry can mend it.
    """
    use_certificates_of_environment()
    try:
        return _download(_Run(order, reporter, stop or threading.Event()))
    except StoppedError:  # while the Hub, or whoever owns the folder, was waited for
        raise explain_stop() from None


def _download(run: _Run) -> DownloadResult:
    order, reporter = run.order, run.reporter
    snapshot: HubSnapshot | None = None
    if is_commit(order.revision):
        commit = order.revision
    else:
        known = _find_complete_without_hub(order)
        try:
            snapshot = _look_up(run)
        except DownloadError as error:
            if known is None or error.exit_code is not Exit.NETWORK_GIVEN_UP:
                raise
            reporter.say(f"the Hub cannot be asked for {order.revision}; keeping commit {known.manifest.commit}")
            return known
        commit = snapshot.commit
    folder = _folder_of(order, commit)
    with explain_storage_errors(folder):
        manifest = None if order.verify else _read_complete(order, folder, commit)
        if manifest is None:
            manifest = _own_and_complete(run, folder, commit, snapshot)
        return _publish(run, folder, manifest)


def describe_result(order: DownloadOrder, result: DownloadResult) -> dict[str, Any]:
    """A complete download as JSON. ``path`` is relative to the store where there is one."""
    manifest = result.manifest
    path = result.path.relative_to(order.store) if order.store else result.path
    fetched = f"fetched {format_bytes(result.fetched_bytes)}" if result.fetched_bytes else "nothing to fetch"
    return {
        "complete": True,
        "repository": manifest.repository,
        "revision": order.revision,
        "commit": manifest.commit,
        "digest": manifest.digest,
        "path": str(path),
        "files": len(manifest.files),
        "bytes": manifest.total_bytes,
        "fetched_bytes": result.fetched_bytes,
        "found_bytes": result.found_bytes,
        "seconds": round(result.seconds, 3),
        "message": f"complete: {result.path}, commit {manifest.commit}, {len(manifest.files)} files, "
        f"{format_bytes(manifest.total_bytes)}; {fetched} in {format_duration(result.seconds)}",
    }


def _look_up(run: _Run) -> HubSnapshot:
    patience = Patience(run.order, run.stop, run.reporter.say)
    return persist(lambda: look_up_snapshot(run.order), patience, run.order.repository)


def _folder_of(order: DownloadOrder, commit: str) -> Path:
    if order.store is not None:
        return order.store / order.repository / commit
    assert order.target is not None  # an order has one of the two
    return order.target


def _find_complete_without_hub(order: DownloadOrder) -> DownloadResult | None:
    """What a branch meant when it was downloaded last."""
    folder = _folder_of(order, revision_folder_name(order.revision))
    manifest = read_manifest(folder)
    if manifest is None or not manifest.satisfies(order, manifest.commit) or not manifest.is_whole(folder):
        return None
    return DownloadResult(manifest, folder)


def _read_complete(order: DownloadOrder, folder: Path, commit: str) -> Manifest | None:
    manifest = read_manifest(folder)
    if manifest is None or not manifest.satisfies(order, commit) or not manifest.is_whole(folder):
        return None
    return manifest


def _publish(run: _Run, folder: Path, manifest: Manifest) -> DownloadResult:
    path = folder
    if run.order.store is not None:
        path = point_to(folder.parent, run.order.revision, manifest.commit)
        if run.order.keep_revisions is not None:
            prune_revisions(folder.parent, manifest.commit, run.order.keep_revisions, run.reporter.say)
    seconds = time.monotonic() - run.started
    return DownloadResult(manifest, path, run.counters.fetched_bytes, run.counters.found_bytes, seconds)


def _own_and_complete(run: _Run, folder: Path, commit: str, snapshot: HubSnapshot | None) -> Manifest:
    """Wait for whoever works in the folder; then there may be nothing left to do."""
    work = folder / WORK_FOLDER
    with own_folder(work, run.reporter.say, run.stop) as ownership:
        filling = _Filling(run, folder, FinishedFiles(work / "finished"), ownership)
        manifest = _read_complete(run.order, folder, commit)
        if manifest is not None and (not run.order.verify or filling.verify(manifest)):
            return manifest
        return filling.fill(snapshot or _look_up(run))


@dataclass
class _Filling:
    """The work on a folder that this process owns."""

    run: _Run
    folder: Path
    finished: FinishedFiles
    ownership: FolderOwnership

    def verify(self, manifest: Manifest) -> bool:
        """Read every byte; files that are not the right ones are removed, and the manifest before them."""
        count, size = len(manifest.files), format_bytes(manifest.total_bytes)
        self.run.reporter.say(f"verifying {count} files, {size}, in {self.folder}")
        counters = self.run.counters = Counters(manifest.total_bytes, count)
        self.finished.forget()
        digests = self._in_parallel({name: partial(self._hash, name, file) for name, file in manifest.files.items()})
        wrong = [name for name, sha256 in digests.items() if sha256 != manifest.files[name].sha256]
        if not wrong:
            return True
        self.run.reporter.say(f"{len(wrong)} files are not what they were, fetching them again: {', '.join(wrong[:5])}")
        remove_manifest(self.folder)
        _remove_files(self.folder, wrong)
        for name in digests.keys() - set(wrong):
            self.finished.add(name, self.folder / name, digests[name])
        counters.found_bytes = 0
        return False

    def fill(self, snapshot: HubSnapshot) -> Manifest:
        """Fetch what is missing and declare the folder complete."""
        order, work, counters = self.run.order, self.folder / WORK_FOLDER, self.run.counters
        before = read_manifest(self.folder)
        remove_manifest(self.folder)
        _remove_leftovers(work, snapshot.files)
        sources = _adoption_sources(order, self.folder, snapshot.commit)
        _check_space(self.folder, snapshot, sources)
        counters.total_bytes, counters.total_files, counters.done_files = snapshot.total_bytes, len(snapshot.files), 0
        self.run.reporter.say(
            f"downloading {order.repository}@{snapshot.commit}: {len(snapshot.files)} files, "
            f"{format_bytes(snapshot.total_bytes)}, into {self.folder}"
        )
        fetcher = FileFetcher(
            order, self.folder, work, sources, self.finished, counters, self.run.stop, self.run.reporter.say
        )
        largest_first = sorted(snapshot.files, key=lambda file: -file.size)
        files = self._in_parallel({file.name: partial(_get, fetcher, file) for file in largest_first})
        if before is not None:
            _remove_files(self.folder, before.files.keys() - files.keys())
        manifest = Manifest(
            repository=order.repository,
            revision=order.revision,
            commit=snapshot.commit,
            selection=select_patterns(order),
            files=files,
            tool=TOOL,
            completed_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )
        write_manifest(self.folder, manifest)
        _remove_leftovers(work, ())
        self.finished.forget()
        return manifest

    def _hash(self, name: str, file: ManifestFile) -> str:
        counters = self.run.counters
        counters.start(name, file.size)

        def hear(count: int) -> None:
            if self.run.stop.is_set():
                raise StoppedError
            counters.found(name, count)

        digest = hash_file(self.folder / name, with_git=False, on_bytes=hear)
        counters.finish(name)
        return digest.sha256

    def _in_parallel(self, tasks: dict[str, Callable[[], _Done]]) -> dict[str, _Done]:
        return run_in_parallel(tasks, self.run.order.jobs, self.run.stop, self._tick)

    def _tick(self) -> None:
        self.ownership.sign()
        self.run.reporter.tick(self.run.counters)


def _get(fetcher: FileFetcher, file: HubFile) -> ManifestFile:
    with explain_storage_errors(fetcher.folder):
        return fetcher.get(file)


def _adoption_sources(order: DownloadOrder, folder: Path, commit: str) -> list[Path]:
    """Folders given, and in a store the hand-made one and the other revisions, newest last asked for first."""
    found = list(order.adopt)
    if order.store is not None:
        found += [folder.parent, *reversed(find_revisions(folder.parent, commit))]
    return [path for path in found if path.resolve() != folder.resolve()]


def _check_space(folder: Path, snapshot: HubSnapshot, sources: Sequence[Path]) -> None:
    """Refuse before the first byte what cannot fit; files that lie on the same disk need no room."""
    missing = sum(_missing_bytes(folder, file, sources) for file in snapshot.files)
    needed = missing + min(max(missing // 20, _LEAST_MARGIN), _MOST_MARGIN) if missing else 0
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DownloadError(
            Exit.DISK_FULL,
            f"{folder}: {format_bytes(needed)} are needed ({format_bytes(missing)} still to come, and a margin), "
            f"{format_bytes(free)} are free. Free some space or choose another folder; nothing was fetched",
        )


def _missing_bytes(folder: Path, file: HubFile, sources: Sequence[Path]) -> int:
    place = folder / file.name
    if place.is_file() and place.stat().st_size == file.size:
        return 0
    device = folder.stat().st_dev
    if any(path.stat().st_dev == device for path in find_candidates(file, sources)):
        return 0
    return max(0, file.size - PartialFile(folder / WORK_FOLDER, file, 1).present_bytes())


def _remove_leftovers(work: Path, files: Sequence[HubFile]) -> None:
    """Partial files of other contents: of another revision, or of files that are finished."""
    for name in PartialFile.names_in(work) - PartialFile.names_of(work, files):
        (work / name).unlink(missing_ok=True)


def _remove_files(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        (folder / name).unlink(missing_ok=True)
