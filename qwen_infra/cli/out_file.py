"""Files that a command is to write at its end, looked at before it begins: a long run must not be lost over a name."""

import os
from pathlib import Path

from qwen_infra.errors import ConfigurationError

__all__ = ["require_writable"]


def require_writable(path: Path | None, flag: str) -> None:
    """Refuse a file that could not be written; nothing is written yet.

    Raises:
        ConfigurationError: it is a folder, its folder is not there, or the permission is missing.
    """
    if path is None:
        return
    if path.is_dir():
        raise ConfigurationError("this is a folder", where=flag, found=path, mend=f"{flag} {path / 'result.json'}")
    if not path.parent.is_dir():
        raise ConfigurationError(
            "the folder of this file is not there", where=flag, found=path, mend=f"mkdir -p {path.parent}"
        )
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ConfigurationError(
            "this file may not be written", where=flag, found=path, mend=f"name another one with {flag}"
        )
