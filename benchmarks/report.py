"""How long ``qwen-infra report`` takes over a history, and how large its page is.

    .venv/bin/python -m benchmarks.report [--runs 500] [--repeats 5]

A made-up history is written once: every run has distributions and a timeline of a minute, every tenth a full
verification. Target: 500 runs in at most 2 s and 2 MB; exit code 1 when one is missed. The time is also told as a ratio
to ``python -c pass`` and by its parts, so that a slower machine does not look like a slower program.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from qwen_infra.benchmark.timeline import Timeline
from qwen_infra.verification import CASES
from tests.unit.reports.records import START, build_benchmark, build_case, build_verification

TARGET_S, TARGET_BYTES = 2.0, 2_000_000
ROOT = Path(__file__).resolve().parents[1]
_PROGRAM = [sys.executable, "-c", "from qwen_infra.cli.main import main; main()"]
_PARTS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "imports": [
        sys.executable,
        "-c",
        "import qwen_infra.cli.main, qwen_infra.reports, qwen_infra.cli.stack_endpoint",
    ],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_history(folder / "results" / "gb200", given.runs)
        (folder / "Pulumi.gb200.yaml").write_bytes((ROOT / "Pulumi.gb200.yaml").read_bytes())
        commands = {**_PARTS, "qwen-infra report": [*_PROGRAM, "report", "--stack", "gb200"]}
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(given.repeats):
            for name, command in commands.items():
                taken[name].append(run_s(command, folder))
        size = (folder / "results" / "gb200" / "report.html").stat().st_size
    medians = {name: statistics.median(times) for name, times in taken.items()}
    for name, median in medians.items():
        print(f"{name:<20}{median:>8.2f} s{median / medians['python -c pass']:>8.1f} x")
    print(f"{given.runs} runs: {size / 1e6:.2f} MB")
    held = medians["qwen-infra report"] <= TARGET_S and size <= TARGET_BYTES
    print(f"the report {'holds' if held else 'misses'} its target of {TARGET_S:g} s and {TARGET_BYTES / 1e6:g} MB")
    sys.exit(0 if held else 1)


def write_history(folder: Path, runs: int) -> None:
    folder.mkdir(parents=True)
    minute = Timeline(running=(32,) * 60, output_tokens=(1000,) * 60, started=(1,) * 60)
    cases = [build_case(case.id, family=case.family, proves=case.proves) for case in CASES]
    for number in range(runs):
        throughput = 1000.0 + number % 17 - 300 * (number % 50 == 49)
        run = build_benchmark(
            number, timeline=minute, output_throughput=throughput, started_at=START + timedelta(hours=number)
        )
        (folder / run.name).write_text(run.result.model_dump_json(indent=2), "utf-8")
        if number % 10 == 0:
            verified = build_verification(number, *cases)
            (folder / verified.name).write_text(verified.report.model_dump_json(indent=2), "utf-8")


def run_s(command: list[str], folder: Path) -> float:
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
