"""The writable folder of compiled kernels beside the weights: made by the download, which may do so, for the server."""

import os
from pathlib import Path

__all__ = ["make_kernels_folder"]


def make_kernels_folder(path: Path, owner: int | None) -> None:
    """Make the folder, its user's alone to write; what lies in it stays. ``owner``: that user's number, None: ours.

    Raises:
        OSError: it cannot be made, or not be given to that user.
    """
    path.mkdir(parents=True, exist_ok=True)
    if owner is None or path.stat().st_uid == owner:
        return
    for found in (path, *path.rglob("*")):
        os.chown(found, owner, owner, follow_symlinks=False)  # never what a link leads to
    path.chmod(0o700)
