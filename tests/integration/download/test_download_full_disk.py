"""A disk that is really full: a small tmpfs, mounted where only this test's processes see it.

A user and mount namespace (``unshare``) needs no rights on most machines; where it does, root has them, or sudo.
"""

import json
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from qwen_infra.local.hub import HubStandIn
from tests.integration.download.conftest import PART_MIB, Downloader, compare

WAYS = (
    ("unshare", "--user", "--map-root-user", "--mount"),
    ("unshare", "--mount"),
    ("sudo", "-n", "unshare", "--mount"),
)
PART = int(PART_MIB * (1 << 20))
DEADLINE_S = 300


@pytest.fixture(scope="module")
def namespace() -> Sequence[str]:
    """The command before one that may mount a tmpfs."""
    script = "mount -t tmpfs -o size=1m tmpfs /mnt"
    for way in WAYS:
        if shutil.which(way[0]) and subprocess.run([*way, "sh", "-c", script], capture_output=True).returncode == 0:
            return way
    pytest.fail("a small disk cannot be mounted here: allow user namespaces, or run the tests as root")


def run_script(namespace: Sequence[str], script: str) -> None:
    done = subprocess.run(
        [*namespace, "bash", "-ec", script], capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def quote(downloader: Downloader, *arguments: str) -> str:
    """The downloader's command line with its environment, whatever the shell's own is."""
    variables = [f"{key}={value}" for key, value in downloader.environment().items()]
    return shlex.join(["env", "-i", *variables, *downloader.command(*arguments)])


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def test_a_disk_without_room_is_refused_before_the_first_byte(
    namespace: Sequence[str], downloader: Downloader, hub: HubStandIn, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    result = tmp_path / "result.json"
    command = quote(downloader, "--to", str(disk / "model"), "--result", str(result))
    run_script(
        namespace,
        f"""
        mount -t tmpfs -o size=2m tmpfs {disk}
        code=0; {command} || code=$?
        test $code -eq 12
        test ! -e {disk}/model/.qwen-infra-manifest.json
        """,
    )
    assert read(result)["reason"] == "disk-full"
    assert "are needed" in read(result)["message"]
    assert hub.sent == []


def test_a_disk_that_another_program_fills_ends_it_and_what_arrived_is_kept(
    namespace: Sequence[str], downloader: Downloader, hub: HubStandIn, model: Path, tmp_path: Path
) -> None:
    """There is room at the beginning; somebody takes it while the files arrive, and gives it back later."""
    hub.faults.bytes_per_second = 400_000
    disk, copy = tmp_path / "disk", tmp_path / "copy"
    disk.mkdir()
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    begin = quote(downloader, "--to", str(disk / "model"), "--result", str(first))
    again = quote(downloader, "--to", str(disk / "model"), "--result", str(second))
    run_script(
        namespace,
        f"""
        mount -t tmpfs -o size=32m tmpfs {disk}
        code=0; {begin} & downloader=$!
        until find {disk} -name '*.data' -size +{2 * PART // 1024}k | grep -q .; do sleep 0.02; done
        cat /dev/zero > {disk}/somebody 2> /dev/null || true
        wait $downloader || code=$?
        test $code -eq 12
        test ! -e {disk}/model/.qwen-infra-manifest.json
        rm {disk}/somebody
        {again}
        cp -r {disk}/model {copy}
        """,
    )
    assert (read(first)["exit_code"], read(first)["reason"]) == (12, "disk-full")
    assert "Free some space, then run it again" in read(first)["message"]
    assert read(second)["found_bytes"] >= PART
    compare(model, copy)
