"""kill -9 at random moments: the folder is right in the end, little comes twice, and no reader is ever deceived."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwen_infra.local.hub import HubStandIn
from tests.integration.download.conftest import PART_MIB, Downloader, compare, write_model

KILLS = 50
PART = int(PART_MIB * (1 << 20))
MANIFEST = ".qwen-infra-manifest.json"
ON_THE_WAY = 128 << 10
"""What two sockets with buffers of 32 KiB (which Linux doubles) may hold when the process at one end dies."""
# Starts a download as often as asked, each in a process of its own, without importing the Hub client every time. The
# small buffer keeps what the server has sent close to what the downloader has read.
NURSERY = """
import os, runpy, socket, sys
import huggingface_hub, huggingface_hub.hf_api, huggingface_hub.utils
connect = socket.socket.connect
def connect_small(self, address):
    self.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
    return connect(self, address)
socket.socket.connect = connect_small
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        os.setsid()
        sys.argv = sys.argv[1:2] + line.split("\\t")
        sys.argv[-1] = sys.argv[-1].rstrip("\\n")
        runpy.run_path(sys.argv[0], run_name="__main__")
        os._exit(0)
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Nursery:
    """Downloads as processes that can be killed."""

    def __init__(self, downloader: Downloader, arguments: list[str]) -> None:
        self._line = "\t".join(arguments) + "\n"
        self._process = subprocess.Popen(
            [sys.executable, "-c", NURSERY, str(downloader.script)],
            env=downloader.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def start(self) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(self._line)
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def wait(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate(timeout=240)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("killed") / "model", seed=7)


@pytest.fixture
def nursery(downloader: Downloader, target: Path) -> Iterator[Nursery]:
    arguments = downloader.command("--to", str(target))[2:]
    found = Nursery(downloader, arguments)
    yield found
    found.close()


def read_lengths(target: Path) -> dict[str, int]:
    """Bytes on disk of each file that is arriving, by the name of its partial state."""
    found: dict[str, int] = {}
    for path in target.glob(".qwen-infra/*.data"):
        with contextlib.suppress(FileNotFoundError):  # it has become the file meanwhile
            found[path.name] = path.stat().st_size
    return found


def list_noted(target: Path) -> dict[str, int]:
    """Bytes of the same that its list of parts promises to keep."""
    found = {}
    for path in target.glob(".qwen-infra/*.parts"):
        ends = [json.loads(line).get("end", 0) for line in path.read_bytes().splitlines() if line.endswith(b"}")]
        found[f"{path.stem}.data"] = max(ends, default=0)
    return found


def assert_no_false_manifest(model: Path, target: Path) -> bool:
    """Whether a manifest is there; if so, every file must be whole."""
    is_there = (target / MANIFEST).exists()
    if is_there:
        compare(model, target)
    return is_there


class Reader(threading.Thread):
    """A server that looks all the time whether the folder is complete, and believes the manifest."""

    def __init__(self, target: Path) -> None:
        super().__init__(daemon=True)
        self._target = target
        self._ended = threading.Event()
        self.deceived: list[str] = []
        self.believed = 0

    def run(self) -> None:
        while not self._ended.wait(0.002):
            self._look()

    def stop(self) -> None:
        self._ended.set()
        self.join()

    def _look(self) -> None:
        path = self._target / MANIFEST
        try:
            before, files = path.stat(), json.loads(path.read_bytes())["files"]
        except FileNotFoundError:
            return
        wrong = [name for name, file in files.items() if self._size(name) != file["size"]]
        try:
            is_same = path.stat().st_ino == before.st_ino  # else it was taken back, as it must be, before the files
        except FileNotFoundError:
            return
        self.believed += not wrong
        self.deceived += wrong if is_same else []

    def _size(self, name: str) -> int | None:
        try:
            return (self._target / name).stat().st_size
        except FileNotFoundError:
            return None


@pytest.fixture
def reader(target: Path) -> Iterator[Reader]:
    found = Reader(target)
    found.start()
    yield found
    found.stop()


def test_fifty_kills_at_random_points_lose_at_most_a_part_of_each_file(
    nursery: Nursery, hub: HubStandIn, model: Path, target: Path, reader: Reader
):
    seed = int(os.environ.get("QWEN_INFRA_KILL_SEED", time.time_ns()))
    chance = random.Random(seed)
    total = sum(file.size for file in next(iter(next(iter(hub.repositories.values())).commits.values())).values())
    kills = 0
    while kills < KILLS:
        # a slow Hub, so that the downloads of a few megabytes have moments in which they can be killed
        hub.faults.bytes_per_second = chance.choice([2_000_000, 8_000_000])
        pid = nursery.start()
        if _kill_somewhere(pid, hub, chance, total):
            kills += 1
        code = nursery.wait()
        assert code in (0, -signal.SIGKILL), f"seed {seed}"
        lost = {name: size - list_noted(target).get(name, 0) for name, size in read_lengths(target).items()}
        assert all(count <= PART for count in lost.values()), (seed, lost)
        if assert_no_false_manifest(model, target):
            assert_little_was_sent_again(hub, seed)
            _begin_again(target)
            hub.sent.clear()
    hub.faults.bytes_per_second = None
    nursery.start()
    assert nursery.wait() == 0
    compare(model, target)
    assert_little_was_sent_again(hub, seed)
    reader.stop()
    assert reader.deceived == [], seed
    assert reader.believed, "the complete folder was seen"
    left = [path.name for path in (target / ".qwen-infra").iterdir()]
    assert sorted(left) == ["lock"], (seed, left)


def assert_little_was_sent_again(hub: HubStandIn, seed: int) -> None:
    """By the server's own account; beyond a part only what was on the way when the process died."""
    reached: dict[str, int] = {}
    for sent in hub.sent:
        again = reached.get(sent.name, 0) - sent.start
        assert again <= PART + ON_THE_WAY, (seed, sent, again)
        reached[sent.name] = max(reached.get(sent.name, 0), sent.end)


def _kill_somewhere(pid: int, hub: HubStandIn, chance: random.Random, total: int) -> bool:
    """Kill when so many bytes have been sent since, or after a moment; False when the process was faster."""
    aim = chance.choice([0, chance.randrange(total // 3), chance.randrange(total)])
    start = hub.sent_bytes
    deadline = time.monotonic() + chance.uniform(0.0, 0.6) + aim / 2_000_000
    while time.monotonic() < deadline and hub.sent_bytes - start < aim:
        time.sleep(0.002)
    if aim == 0:
        time.sleep(chance.uniform(0, 0.2))
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _begin_again(target: Path) -> None:
    """Take one finished file away, with the manifest first, as a person who wants it again would."""
    (target / MANIFEST).unlink()
    for path in target.glob("*.safetensors"):
        path.unlink()


def test_bytes_of_finished_parts_are_not_asked_for_again(nursery: Nursery, hub: HubStandIn, target: Path):
    hub.faults.bytes_per_second = 500_000
    pid = nursery.start()
    while sum(read_lengths(target).values()) < 3 * PART:
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    assert nursery.wait() == -signal.SIGKILL
    noted = list_noted(target)
    hub.sent.clear()
    hub.faults.bytes_per_second = None
    nursery.start()
    assert nursery.wait() == 0
    ends = {end for end in noted.values() if end}
    assert ends
    assert ends <= {sent.start for sent in hub.sent}
