"""The downloader over HTTP ranges against ``hf_xet``, with the same files, in the same run: is Xet worth its cost?

    .venv/bin/python -m benchmarks.xet [--files 8] [--mib 256] [--repeats 3] [--folder DIR]

No server of Xet can be had offline but the store on a disk that ``hf_xet`` itself brings (its endpoint ``local://``).
It reads chunks from files, so no network is in its way, while ours comes through the Hub stand-in over the loopback.
Each run is a process of its own into an empty folder, in turns; the best of each counts, since other work only slows.
Then each is killed in the middle and run again: the share of a whole run is what a kill costs. ``hf_xet`` verifies its
chunks, not the file's SHA-256.
"""

import argparse
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.download import MIB, REPOSITORY, run, serve
from qwen_infra.download import bundle_downloader

PUBLISH = """
import json, sys, hf_xet
found = hf_xet.upload_files(sys.argv[2:], sys.argv[1], None, None, None, None)
print(json.dumps([[file.hash, file.file_size] for file in found]))
"""
FETCH = """
import json, os, sys, hf_xet
files = json.loads(sys.argv[3])
os.makedirs(sys.argv[2], exist_ok=True)
wanted = [
    hf_xet.PyXetDownloadInfo(destination_path=f"{sys.argv[2]}/{number}", hash=hash, file_size=size)
    for number, (hash, size) in enumerate(files)
]
hf_xet.download_files(wanted, endpoint=sys.argv[1], token_info=None, token_refresher=None, progress_updater=None)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--mib", type=int, default=256, help="size of each file")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where 4 x the files have room; default: the temporary folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as made:
        folder = Path(made)
        write_random_model(folder / "model", given.files, given.mib)
        (folder / "download.py").write_text(bundle_downloader(), "utf-8")
        os.environ["HOME"] = str(folder)  # where hf_xet keeps a cache of its own
        store = f"local://{folder}/store"
        (folder / "store").mkdir()
        names = [str(path) for path in sorted((folder / "model").iterdir())]
        published = subprocess.check_output([sys.executable, "-c", PUBLISH, store, *names], text=True).strip()
        with serve(folder / "model") as endpoint:
            ways: dict[str, Callable[[Path], Sequence[str]]] = {
                "hf_xet": lambda target: ("-c", FETCH, store, str(target), published),
                "qwen-infra": lambda target: (
                    *(str(folder / "download.py"), REPOSITORY, "--to", str(target), "--progress", "none"),
                ),
            }
            compare(folder, endpoint, ways, given.files * given.mib, given.repeats)


def write_random_model(folder: Path, files: int, mib: int) -> None:
    """No two blocks are equal: as with weights, there is nothing to deduplicate."""
    folder.mkdir()
    chance = random.Random(5)
    for number in range(files):
        with (folder / f"model-{number:05}.safetensors").open("wb") as file:
            for _ in range(mib):
                file.write(chance.randbytes(MIB))


def compare(
    folder: Path, endpoint: str, ways: dict[str, Callable[[Path], Sequence[str]]], mib: int, repeats: int
) -> None:
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, build in ways.items():
            took, peak_mib = run(build(folder / "target"), endpoint, folder)
            seconds[name].append(took)
            print(f"{name:<12} {mib / took:7.0f} MiB/s  {took:6.2f} s  {peak_mib:6.0f} MiB of memory", flush=True)
    best = {name: min(found) for name, found in seconds.items()}
    print(f"qwen-infra is {best['hf_xet'] / best['qwen-infra']:.2f} x hf_xet (the best of {repeats})")
    for name, build in ways.items():
        shares = []
        for _ in range(repeats):
            again = kill_and_run_again(build(folder / "target"), endpoint, folder, 0.7 * best[name])
            whole, _ = run(build(folder / "target"), endpoint, folder)
            shares.append(again / whole)
        shown = f"{statistics.median(shares):.2f} of a whole run (median of {repeats})"
        print(f"{name:<12} killed after 0.7 of its time, the run after it took {shown}")


def kill_and_run_again(arguments: Sequence[str], endpoint: str, folder: Path, after_s: float) -> float:
    """Seconds of the run after the one that was killed."""
    target = folder / "target"
    shutil.rmtree(target, ignore_errors=True)
    environment = {**os.environ, "HF_ENDPOINT": endpoint}
    process = subprocess.Popen([sys.executable, *arguments], env=environment)
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    process.wait()
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environment, check=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
