"""How long reading the states of a fleet takes: eight stacks together, against one, and against one after the other.

    python benchmarks/fleet_states.py [--stacks 8] [--rounds 5]

Makes stacks in a file backend of its own (programs that are missing are built) and reads them as `qwen-infra fleet
status` does. Prints ratios of the medians within one run; a stack is one process of Pulumi's.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from qwen_infra import toolchain
from qwen_infra.fleet.state import export_stack
from qwen_infra.fleet.status import PARALLEL

PROJECT = "name: qwen-infra\nruntime: python\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--stacks", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stacks = make_stacks(Path(folder), asked.stacks)
        one = measure(lambda: read(Path(folder), stacks[:1]), asked.rounds)
        together = measure(lambda: read(Path(folder), stacks), asked.rounds)
        in_turn = measure(lambda: read(Path(folder), stacks, at_once=1), asked.rounds)
    print(f"one stack: {one:.2f} s; {asked.stacks} together: {together:.2f} s; in turn: {in_turn:.2f} s")
    print(f"{asked.stacks} together take {together / one:.1f} x one, and {together / in_turn:.2f} x all in turn")


def make_stacks(folder: Path, number: int) -> list[str]:
    """Stacks that were made and never deployed, in a backend inside the folder."""
    os.environ |= toolchain.ensure(toolchain.PROGRAMS).environment()
    (folder / "state").mkdir()
    (folder / "Pulumi.yaml").write_text(PROJECT, "utf-8")
    os.environ |= {
        "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_CONFIG_PASSPHRASE": "only for this measurement",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    stacks = [f"stack-{each}" for each in range(number)]
    for stack in stacks:
        subprocess.run(["pulumi", "stack", "init", stack], cwd=folder, check=True, capture_output=True)
    return stacks


def read(folder: Path, stacks: Sequence[str], *, at_once: int = PARALLEL) -> None:
    with ThreadPoolExecutor(at_once) as pool:
        assert all(found is not None for found in pool.map(lambda stack: export_stack(stack, folder), stacks))


def measure(do: Callable[[], object], rounds: int) -> float:
    """Median time [s]."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        do()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


if __name__ == "__main__":
    main()
