"""What the operating system says about a folder, as an exit code and a sentence."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qwen_infra.download.exits import DownloadError, Exit

__all__ = ["explain_storage_errors"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextmanager
def explain_storage_errors(folder: Path) -> Iterator[None]:
    """Turn an ``OSError`` of the block into a ``DownloadError``.

    Raises:
        DownloadError: the disk is full, or the folder cannot be used.
    """
    try:
        yield
    except OSError as error:
        text = f"{error.filename or folder}: {error.strerror or error}"
        if error.errno in _FULL:
            message = f"{text}. Free some space, then run it again: it goes on where it stopped"
            raise DownloadError(Exit.DISK_FULL, message) from error
        if error.errno in _DENIED:
            message = f"{text}. The folder must be writable by this user, and not mounted read-only"
            raise DownloadError(Exit.STORAGE_FAILED, message) from error
        raise DownloadError(Exit.STORAGE_FAILED, text) from error
