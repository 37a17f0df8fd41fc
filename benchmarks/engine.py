"""What the engine takes for the gb200 stack, as ratios to an empty Python program on the same machine in the same run.

    .venv/bin/python benchmarks/engine.py [--repeats 5]

Measured on a simulated cluster of its own with the simulator behind the pods; the stack's benchmark is switched off, so
that the engine, the provider and the wait are what is timed. Targets: preview and an unchanged `up` at most 2.5 x those
of the empty program, a first `up` at most 10 s.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from qwen_infra import local, toolchain

ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    tools = toolchain.ensure(toolchain.PROGRAMS, report=print)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        name = f"bench-{os.getpid()}"
        local.configure_simulator(name, {"profile": "instant"}, state_root=folder)
        try:
            cluster = local.up(name, server="simulator", bin_folder=tools.bin_folder, state_root=folder)
            measure(folder, tools, cluster, repeats)
        finally:
            local.down(name, state_root=folder)


def measure(folder: Path, tools: toolchain.Toolchain, cluster: local.LocalCluster, repeats: int) -> None:
    environment = prepare_environment(folder / "home", tools, cluster)
    empty = make_project(folder / "empty", "import pulumi\n", {})
    ours = make_project(folder / "gb200", (ROOT / "__main__.py").read_text("utf-8"), stack_config())
    for project in (empty, ours):
        run(project, environment, "stack", "init", "gb200")
    run(empty, environment, "up", "--yes", "--skip-preview")
    first_s = run(ours, environment, "up", "--yes", "--skip-preview")
    show("preview", *interleave(empty, ours, environment, ["preview"], repeats))
    show("up without changes", *interleave(empty, ours, environment, ["up", "--yes", "--skip-preview"], repeats))
    print(f"first up (benchmark off)      {first_s:6.2f} s, target 10 s")


def prepare_environment(home: Path, tools: toolchain.Toolchain, cluster: local.LocalCluster) -> dict[str, str]:
    """The variables with which ``pulumi`` works on the cluster, its plugins installed in ``home``."""
    tools.install_provider(home)
    return {
        **os.environ,
        **tools.environment(),
        "KUBECONFIG": str(cluster.kubeconfig),
        "PULUMI_HOME": str(home),
        "PULUMI_CONFIG_PASSPHRASE": "only for this measurement",
    }


def make_project(folder: Path, program: str, config: Mapping[str, object]) -> Path:
    folder.mkdir()
    (folder / "__main__.py").write_text(program, "utf-8")
    description = yaml.safe_load((ROOT / "Pulumi.yaml").read_text("utf-8"))
    description["runtime"]["options"]["virtualenv"] = sys.prefix
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(description), "utf-8")
    (folder / "Pulumi.gb200.yaml").write_text(yaml.safe_dump({"config": dict(config)}), "utf-8")
    (folder / "state").mkdir()
    return folder


def stack_config() -> dict[str, object]:
    config: dict[str, object] = yaml.safe_load((ROOT / "Pulumi.gb200.yaml").read_text("utf-8"))["config"]
    return config | {"qwen-infra:benchmark": {"workload": "off"}}


def run(project: Path, environment: Mapping[str, str], *arguments: str) -> float:
    """Seconds that ``pulumi ARGUMENTS`` took."""
    pulumi = shutil.which("pulumi", path=environment["PATH"]) or "pulumi"
    variables = {**environment, "PULUMI_BACKEND_URL": (project / "state").as_uri()}
    command = [pulumi, *arguments, "--non-interactive"]
    if arguments[0] != "stack":
        command += ["--stack", "gb200"]
    started = time.perf_counter()
    done = subprocess.run(
        command, cwd=project, env=variables, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        sys.exit(f"pulumi {' '.join(arguments)} failed:\n{done.stdout[-3000:]}")
    return time.perf_counter() - started


def interleave(
    empty: Path, ours: Path, environment: Mapping[str, str], command: Sequence[str], repeats: int
) -> tuple[list[float], list[float]]:
    found: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        found[0].append(run(empty, environment, *command))
        found[1].append(run(ours, environment, *command))
    return found


def show(what: str, empty: Sequence[float], ours: Sequence[float]) -> None:
    ratio = statistics.median(ours) / statistics.median(empty)
    print(
        f"{what:<28}{ratio:6.2f} x the empty program "
        f"(medians {statistics.median(ours):.2f} s and {statistics.median(empty):.2f} s), target 2.5 x"
    )


if __name__ == "__main__":
    main()
