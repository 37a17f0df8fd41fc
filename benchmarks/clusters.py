"""Three stacks on three simulated clusters, deployed at once: how much longer than one of them alone.

    .venv/bin/python -m benchmarks.clusters [--repeats 3]

Each round deploys the gb200 stack, benchmark off, to one cluster, removes it, then deploys it to all three at once and
removes them. Target: at most 2 x the time of one. The simulator stands behind the pods.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine import ROOT, make_project, prepare_environment, run, stack_config
from qwen_infra import local, toolchain

CLUSTERS = 3


@dataclass(frozen=True)
class Place:
    """A stack's folder and the variables that lead it to its cluster."""

    project: Path
    environment: Mapping[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    tools = toolchain.ensure(toolchain.PROGRAMS, report=print)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        names = [f"bench-{os.getpid()}-{number}" for number in range(CLUSTERS)]
        try:
            compare([make_place(folder, name, tools) for name in names], repeats)
        finally:
            for name in names:
                local.down(name, state_root=folder)


def make_place(folder: Path, name: str, tools: toolchain.Toolchain) -> Place:
    """A cluster and an empty stack for it."""
    local.configure_simulator(name, {"profile": "instant"}, state_root=folder)
    cluster = local.up(name, server="simulator", bin_folder=tools.bin_folder, state_root=folder)
    environment = prepare_environment(folder / "home", tools, cluster)
    project = make_project(folder / f"project-{name}", (ROOT / "__main__.py").read_text("utf-8"), stack_config())
    run(project, environment, "stack", "init", "gb200")
    return Place(project, environment)


def compare(places: Sequence[Place], repeats: int) -> None:
    alone, together = [], []
    for _ in range(repeats):
        alone.append(deploy(places[:1]))
        together.append(deploy(places))
    one_s, all_s = statistics.median(alone), statistics.median(together)
    print(
        f"{CLUSTERS} clusters at once  {all_s / one_s:6.2f} x one alone "
        f"(medians {all_s:.2f} s and {one_s:.2f} s of {repeats}), target 2 x"
    )


def deploy(places: Sequence[Place]) -> float:
    """Seconds until every place is deployed; it is empty again afterwards."""
    with ThreadPoolExecutor(len(places)) as pool:
        started = time.perf_counter()
        list(pool.map(lambda place: run(place.project, place.environment, "up", "--yes", "--skip-preview"), places))
        took_s = time.perf_counter() - started
        list(pool.map(lambda place: run(place.project, place.environment, "destroy", "--yes"), places))
    return took_s


if __name__ == "__main__":
    main()
