"""Download one revision of a Hub repository into a folder, and say when it is whole.

Runs inside the vLLM image from a ConfigMap, so it is one file that needs only Python and ``huggingface_hub`` (1.31 or
newer). A manifest, written last and atomically, means "complete"; a second run with it does nothing.

    python3 download.py Qwen/Qwen3.5-0.8B --revision main --to /models/Qwen/Qwen3.5-0.8B

Exit codes: 0 complete, 2 no such repository or revision, 3 no network, no permission or no space.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

MANIFEST = ".qwen-infra-manifest.json"
SPACE_MARGIN_BYTES = 1 << 30


class DownloadError(Exception):
    """Why the folder is not complete, with the exit code that the Job sees."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def download(repository: str, revision: str, folder: Path) -> dict[str, Any]:
    """Make ``folder`` hold the revision; returns its manifest (repository, commit, files with sizes in bytes).

    Raises:
        DownloadError: it could not be completed; what has arrived stays for the next run.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    known = _read_manifest(folder)
    if known and revision == known.get("commit"):
        return known
    commit, sizes = _look_up(repository, revision)
    if known and known.get("commit") == commit:
        return known
    _check_space(folder, sizes)
    try:
        snapshot_download(repository, revision=commit, local_dir=folder)
    except (HfHubHTTPError, OSError) as error:
        raise DownloadError(f"{repository}@{commit}: the download broke off: {_line(error)}", 3) from error
    return _write_manifest(folder, repository, commit, sizes)


def _read_manifest(folder: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _look_up(repository: str, revision: str) -> tuple[str, dict[str, int]]:
    """The commit behind a revision, and the size in bytes of each of its files."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        info = HfApi().model_info(repository, revision=revision, files_metadata=True)
    except GatedRepoError as error:
        raise DownloadError(f"{repository}: accept its licence on the Hub and give a token", 3) from error
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise DownloadError(f"{repository}@{revision}: not found on the Hub", 2) from error
    except (HfHubHTTPError, OSError) as error:
        raise DownloadError(f"{repository}@{revision}: the Hub does not answer: {_line(error)}", 3) from error
    return str(info.sha), {file.rfilename: file.size or 0 for file in info.siblings or ()}


def _check_space(folder: Path, sizes: dict[str, int]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    here = sum((folder / name).stat().st_size for name in sizes if (folder / name).is_file())
    needed, free = sum(sizes.values()) - here + SPACE_MARGIN_BYTES, shutil.disk_usage(folder).free
    if free < needed:
        raise DownloadError(f"{folder}: {needed >> 30} GiB needed, {free >> 30} GiB free", 3)


def _write_manifest(folder: Path, repository: str, commit: str, sizes: dict[str, int]) -> dict[str, Any]:
    for name, size in sizes.items():
        path = folder / name
        found = path.stat().st_size if path.is_file() else None
        if size and found != size:
            raise DownloadError(f"{path}: {size} bytes expected, {found or 'nothing'} found", 3)
    manifest = {"repository": repository, "commit": commit, "files": sizes}
    temporary = folder / f"{MANIFEST}.{os.getpid()}"
    temporary.write_text(json.dumps(manifest, indent=1), "utf-8")
    temporary.replace(folder / MANIFEST)
    return manifest


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def main() -> int:
    """Run from the command line; one line on failure."""
    parser = argparse.ArgumentParser(description="Download one revision of a Hub repository into a folder.")
    parser.add_argument("repository", help="OWNER/NAME on the Hub")
    parser.add_argument("--revision", required=True, help="commit, tag or branch")
    parser.add_argument("--to", type=Path, required=True, help="folder that shall hold the files")
    given = parser.parse_args()
    try:
        manifest = download(given.repository, given.revision, given.to)
    except DownloadError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    total = sum(manifest["files"].values())
    print(f"complete: {given.to}, commit {manifest['commit']}, {len(manifest['files'])} files, {total} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
