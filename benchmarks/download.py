"""The downloader against a plain ``snapshot_download``, from the same local stand-in, in the same run.

    .venv/bin/python benchmarks/download.py [--files 8] [--mib 512] [--repeats 3] [--folder DIR]

Each run is a process of its own into an empty folder, in turns, with the disk's queue emptied before. Ours verifies
every byte and flushes it to the disk; ``snapshot_download`` does neither. ``verified`` is it followed by what it would
take to know as much: reading everything for SHA-256. Targets: at least 0.95 x its throughput, and less than 400 MiB
of memory.
"""

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from qwen_infra.download import bundle_downloader

REPOSITORY = "Qwen/Qwen3.5-benchmark"
PLAIN = """
import sys
from huggingface_hub import snapshot_download
snapshot_download(sys.argv[1], local_dir=sys.argv[2])
"""
VERIFIED = f"""{PLAIN}
import hashlib, pathlib
from concurrent.futures import ThreadPoolExecutor
def check(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
with ThreadPoolExecutor(8) as pool:
    list(pool.map(check, pathlib.Path(sys.argv[2]).glob("*.safetensors")))
"""
MIB = 1 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--mib", type=int, default=512, help="size of each file")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where 3 x the files have room; default: the temporary folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as made:
        folder = Path(made)
        write_model(folder / "model", given.files, given.mib)
        (folder / "download.py").write_text(bundle_downloader(), "utf-8")
        with serve(folder / "model") as endpoint:
            compare(folder, endpoint, given.files * given.mib, given.repeats)


def write_model(folder: Path, files: int, mib: int) -> None:
    folder.mkdir()
    chance = random.Random(5)
    for number in range(files):
        block = chance.randbytes(MIB)
        with (folder / f"model-{number:05}.safetensors").open("wb") as file:
            for _ in range(mib):
                file.write(block)


@contextmanager
def serve(model: Path) -> Iterator[str]:
    """The stand-in as a process of its own, which shares no interpreter lock with anybody."""
    command = [sys.executable, "-m", "qwen_infra.local.hub", "--publish", f"{REPOSITORY}={model}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def compare(folder: Path, endpoint: str, mib: int, repeats: int) -> None:
    script = str(folder / "download.py")
    ways: dict[str, Callable[[Path], Sequence[str]]] = {
        "snapshot_download": lambda target: ("-c", PLAIN, REPOSITORY, str(target)),
        "verified": lambda target: ("-c", VERIFIED, REPOSITORY, str(target)),
        "qwen-infra": lambda target: (script, REPOSITORY, "--to", str(target), "--progress", "none"),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    peaks: dict[str, float] = dict.fromkeys(ways, 0.0)
    for _ in range(repeats):
        for name, build in ways.items():
            seconds, peak_mib = run(build(folder / "target"), endpoint, folder)
            rates[name].append(mib / seconds)
            peaks[name] = max(peaks[name], peak_mib)
            print(f"{name:<18} {mib / seconds:7.0f} MiB/s  {seconds:6.2f} s  {peak_mib:6.0f} MiB of memory", flush=True)
    ours = statistics.median(rates["qwen-infra"])
    for name in ("snapshot_download", "verified"):
        print(f"qwen-infra is {ours / statistics.median(rates[name]):.2f} x {name} (medians of {repeats})")
    print(f"its memory at most: {peaks['qwen-infra']:.0f} MiB")


def run(arguments: Sequence[str], endpoint: str, folder: Path) -> tuple[float, float]:
    """Seconds and peak memory [MiB] of one download into an empty folder."""
    target = folder / "target"
    shutil.rmtree(target, ignore_errors=True)
    os.sync()
    environment = {
        **os.environ,
        "HF_ENDPOINT": endpoint,
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_XET": "1",
    }
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{arguments[0]} ended with {process.returncode}")
    return seconds, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
