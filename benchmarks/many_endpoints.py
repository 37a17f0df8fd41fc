"""What a preview of a stack with 20 endpoints takes, as a ratio to one with one endpoint in the same run.

    .venv/bin/python -m benchmarks.many_endpoints [--endpoints 20] [--repeats 3]

On a simulated cluster of its own, before anything is deployed, so that each object is checked by the API server's dry
run. Target: 20 endpoints under 3 x one. Seen on two quiet cores: 2.83 s and 6.43 s, 2.27 x.
"""

import argparse
import os
import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.engine import ROOT, make_project, prepare_environment, run, stack_config
from qwen_infra import local, toolchain


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--endpoints", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    tools = toolchain.ensure(toolchain.PROGRAMS, report=print)
    with tempfile.TemporaryDirectory() as made:
        folder, name = Path(made), f"bench-{os.getpid()}"
        try:
            profile = f"GB200:{options.endpoints}"  # as many nodes as endpoints: a stack that does not fit is refused
            cluster = local.up(name, profile=profile, server="none", bin_folder=tools.bin_folder, state_root=folder)
            measure(folder, tools, cluster, options)
        finally:
            local.down(name, state_root=folder)


def measure(folder: Path, tools: toolchain.Toolchain, cluster: local.LocalCluster, options: argparse.Namespace) -> None:
    environment = prepare_environment(folder / "home", tools, cluster)
    program = (ROOT / "__main__.py").read_text("utf-8")
    projects = {
        count: make_project(folder / f"with-{count}", program, several(count)) for count in (1, options.endpoints)
    }
    for project in projects.values():
        run(project, environment, "stack", "init", "gb200")
    times: dict[int, list[float]] = {count: [] for count in projects}
    for _ in range(options.repeats):
        for count, project in projects.items():
            times[count].append(run(project, environment, "preview"))
    middle = {count: statistics.median(found) for count, found in times.items()}
    one, many = middle[1], middle[options.endpoints]
    print(
        f"preview: 1 endpoint {one:.2f} s, {options.endpoints} endpoints {many:.2f} s, {many / one:.2f} x (target < 3)"
    )


def several(count: int) -> Mapping[str, object]:
    """The gb200 stack, its model deployed ``count`` times under names of its own."""
    config = stack_config()
    config.pop("qwen-infra:endpoint", None)
    shared = config["qwen-infra:server"]
    assert isinstance(shared, dict)
    for key in ("name", "node"):
        shared.pop(key)
    models = {
        f"m{number}": {"server": {"name": f"vllm-m{number}", "node": f"gb200-node-{number}"}} for number in range(count)
    }
    return config | {"qwen-infra:models": models}


if __name__ == "__main__":
    main()
