"""What the Hub says of a repository: its commit, its files with sizes and digests, its URLs. No file's bytes come here.

Only what ``huggingface_hub`` 1.31 and 2.x have in common is used: they differ in their HTTP client, httpx and httpx2.
"""

import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from qwen_infra.download.digests import FileDigest
from qwen_infra.download.exits import DownloadError, Exit
from qwen_infra.download.order import DownloadOrder
from qwen_infra.download.retrying import TransientError, parse_retry_after

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

__all__ = ["HubFile", "HubSnapshot", "hub_headers", "look_up_snapshot"]

_PERMISSION_STATUSES = (401, 403, 451)
_BUSY_STATUSES = (408, 425, 429)


@dataclass(frozen=True)
class HubFile:
    """One file: bytes, and its SHA-256 (LFS) or git blob hash (the small ones)."""

    name: str
    size: int
    sha256: str | None
    git: str | None
    url: str

    @property
    def identity(self) -> str:
        """What tells this content from any other."""
        return self.sha256 or f"git-{self.git}"

    def is_matched_by(self, digest: FileDigest) -> bool:
        return digest.sha256 == self.sha256 if self.sha256 else digest.git == self.git


@dataclass(frozen=True)
class HubSnapshot:
    """The wanted files of one commit, by name."""

    commit: str
    files: tuple[HubFile, ...]

    @property
    def total_bytes(self) -> int:
        return sum(file.size for file in self.files)


def look_up_snapshot(order: DownloadOrder) -> HubSnapshot:
    """Ask the Hub; one try.

    Raises:
        TransientError: no answer, or one that another try may mend.
        DownloadError: not found, not permitted, no usable client, nothing matches the patterns.
    """
    api, build_url = _import_client()
    commit, entries = _within(order.stall_s, lambda: _read_tree(api, order))
    files = [
        _build_file(entry, build_url(order.repository, entry.path, revision=commit))
        for entry in entries
        if hasattr(entry, "blob_id") and order.wants(entry.path)
    ]
    if not files:
        raise DownloadError(
            Exit.NOT_FOUND,
            f"{order.repository}@{commit}: none of its {len(entries)} files matches the patterns "
            f"(allow {list(order.allow)}, ignore {list(order.ignore)})",
        )
    return HubSnapshot(commit, tuple(sorted(files, key=lambda file: file.name)))


def hub_headers() -> dict[str, str]:
    """Headers for the Hub itself: user agent and, when there is a token, the authorization. For no other host."""
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined] # not in its __all__

    return build_hf_headers(library_name="qwen-infra")


def _import_client() -> tuple[Any, Callable[..., str]]:
    try:
        from huggingface_hub import HfApi, hf_hub_url
    except ImportError as error:
        raise DownloadError(
            Exit.NO_HUB_CLIENT,
            f"no usable huggingface_hub: {error}. Use an image that has 1.31 or newer",
        ) from error
    return HfApi(), hf_hub_url


def _read_tree(api: Any, order: DownloadOrder) -> tuple[str, list[Any]]:
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        commit = str(api.model_info(order.repository, revision=order.revision).sha)
        return commit, list(api.list_repo_tree(order.repository, recursive=True, revision=commit))
    except HFValidationError as error:
        raise DownloadError(Exit.NOT_FOUND, f"{order.repository}: {_first_line(error)}") from error
    except HfHubHTTPError as error:
        raise _explain_answer(order, error) from error
    except _transport_errors() as error:
        raise TransientError(f"the Hub ({_endpoint()}) does not answer: {_first_line(error)}") from error


def _transport_errors() -> tuple[type[Exception], ...]:
    """Those of the system, and of whichever HTTP client this ``huggingface_hub`` uses."""
    loaded = (sys.modules.get(name) for name in ("httpx2", "httpx"))
    return (OSError, *(module.HTTPError for module in loaded if module is not None))


def _explain_answer(order: DownloadOrder, error: "HfHubHTTPError") -> Exception:
    from huggingface_hub.errors import DisabledRepoError, GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    status = error.response.status_code
    repository, has_token = order.repository, "authorization" in {key.lower() for key in hub_headers()}
    token = "the token given does not allow it" if has_token else "no token was given (HF_TOKEN)"
    if isinstance(error, GatedRepoError):
        text = f"{repository}: gated, and {token}. Accept its licence on the Hub, then give a token of that account"
        return DownloadError(Exit.NOT_PERMITTED, text)
    if isinstance(error, RevisionNotFoundError):
        text = f"{repository}: has no revision {order.revision!r}; name a commit, tag or branch"
        return DownloadError(Exit.NOT_FOUND, text)
    if isinstance(error, RepositoryNotFoundError):
        text = f"{repository}: not found on {_endpoint()}; misspelt, or private and {token}"
        return DownloadError(Exit.NOT_FOUND, text)
    if isinstance(error, DisabledRepoError) or status in _PERMISSION_STATUSES:
        text = f"{repository}: {_endpoint()} refuses it with status {status}: {_server_words(error)}; {token}"
        return DownloadError(Exit.NOT_PERMITTED, text)
    if status in _BUSY_STATUSES or status >= 500:
        delay = parse_retry_after(error.response.headers.get("Retry-After"))
        return TransientError(f"the Hub ({_endpoint()}) answers {status}", retry_after_s=delay)
    return DownloadError(Exit.NOT_FOUND, f"{repository}: {_endpoint()} answers {status}: {_server_words(error)}")


def _server_words(error: "HfHubHTTPError") -> str:
    return str(error.response.headers.get("X-Error-Message") or _first_line(error))


def _within(timeout_s: float, call: Callable[[], tuple[str, list[Any]]]) -> tuple[str, list[Any]]:
    """The call's result; the client itself waits for ever on a server that says nothing."""
    found: list[tuple[str, list[Any]]] = []
    failed: list[Exception] = []

    def work() -> None:
        try:
            found.append(call())
        except Exception as error:  # noqa: BLE001 - carried to the caller, whatever it is
            failed.append(error)

    thread = threading.Thread(target=work, name="metadata", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if failed:
        raise failed[0]
    if not found:
        raise TransientError(f"the Hub ({_endpoint()}) said nothing for {timeout_s:.0f} s")
    return found[0]


def _build_file(entry: Any, url: str) -> HubFile:
    name, lfs = str(entry.path), entry.lfs
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or "\\" in name or "\0" in name:
        raise DownloadError(Exit.NOT_FOUND, f"the repository names a file outside its folder, refused: {name!r}")
    if lfs is not None:
        return HubFile(name, int(lfs.size), str(lfs.sha256), None, url)
    return HubFile(name, int(entry.size), None, str(entry.blob_id), url)


def _endpoint() -> str:
    return urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co").netloc


def _first_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
