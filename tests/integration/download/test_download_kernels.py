"""The folder of compiled kernels, which the download makes for the server's user."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.download.conftest import Downloader

SERVER_USER = 2000 if os.geteuid() == 0 else os.geteuid()
"""Only root may give a folder to somebody else; elsewhere the server's user is who runs the test."""


@pytest.fixture
def store() -> Iterator[Path]:
    """A folder that other users may enter, as one of a node is."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "models"


def download(downloader: Downloader, store: Path) -> Path:
    kernels = store / ".compiled-kernels" / "image-gb200-tp4"
    arguments = ("--store", str(store), "--kernels", str(kernels), "--kernels-owner", str(SERVER_USER))
    done = downloader.run(*arguments)
    assert done.code == 0, done.log
    return kernels


def test_the_servers_user_may_write_to_it_and_nowhere_else(downloader: Downloader, store: Path):
    kernels = download(downloader, store)
    user = SERVER_USER if os.geteuid() == 0 else None
    subprocess.run(["/bin/sh", "-c", f"echo compiled > {kernels}/kernel"], check=True, user=user)
    assert (kernels / "kernel").stat().st_uid == SERVER_USER
    assert store.stat().st_uid == os.geteuid()


def test_what_a_server_of_root_left_there_is_given_too_and_no_link_is_followed(
    downloader: Downloader, store: Path, tmp_path: Path
):
    kernels = download(downloader, store)
    os.chown(kernels, os.geteuid(), os.getegid())
    (kernels / "old").mkdir()
    (kernels / "old" / "kernel").touch()
    (tmp_path / "outside").touch()
    (kernels / "link").symlink_to(tmp_path / "outside")
    download(downloader, store)
    assert (kernels / "old" / "kernel").stat().st_uid == SERVER_USER
    assert (tmp_path / "outside").stat().st_uid == os.geteuid()


def test_a_place_where_it_cannot_be_made_has_its_exit_code(downloader: Downloader, store: Path, tmp_path: Path):
    (tmp_path / "file").touch()
    done = downloader.run("--store", str(store), "--kernels", str(tmp_path / "file" / "below"))
    assert (done.code, done.result["reason"]) == (15, "storage-failed")
