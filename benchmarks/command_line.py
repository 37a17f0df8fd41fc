"""How long the command line takes to answer, as a ratio to ``python -c pass`` on the same machine in the same run.

    .venv/bin/python benchmarks/command_line.py [--repeats 15]

Help and completion import no command; a command imports what it needs. Target: ``--help`` at most 0.3 s and at most
8 x an empty Python, ``fit`` at most 0.5 s; exit code 1 when one is missed. The medians of interleaved runs are
compared, so that other load on the machine hits all alike.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

HELP_TARGET_S = 0.3
HELP_TARGET_RATIO = 8.0
FIT_TARGET_S = 0.5

_PROGRAM = [sys.executable, "-c", "from qwen_infra.cli.main import main; main()"]
CASES: Mapping[str, tuple[Sequence[str], Mapping[str, str]]] = {
    "python -c pass": ([sys.executable, "-c", "pass"], {}),
    "qwen-infra --help": ([*_PROGRAM, "--help"], {}),
    "qwen-infra --version": ([*_PROGRAM, "--version"], {}),
    "completion of a command": (
        _PROGRAM,
        {"_QWEN_INFRA_COMPLETE": "complete_bash", "COMP_WORDS": "qwen-infra ver", "COMP_CWORD": "1"},
    ),
    "qwen-infra verify --help": ([*_PROGRAM, "verify", "--help"], {}),
    "qwen-infra fit": (
        [*_PROGRAM, "fit", "--model", "Qwen3.5-27B", "--precision", "fp8", "--gpu", "H100"],
        {},
    ),
    "qwen-infra fit --stack": ([*_PROGRAM, "fit", "--stack", "gb200"], {}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    times: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(repeats):
        for name, (command, environment) in CASES.items():
            times[name].append(run_s(command, environment))
    empty_s = statistics.median(times["python -c pass"])
    print(f"{'':<28}{'median s':>10}{'x empty':>10}")
    for name, taken in times.items():
        print(f"{name:<28}{statistics.median(taken):>10.3f}{statistics.median(taken) / empty_s:>10.1f}")
    help_s = statistics.median(times["qwen-infra --help"])
    held = help_s <= HELP_TARGET_S and help_s / empty_s <= HELP_TARGET_RATIO
    print(f"--help {'holds' if held else 'misses'} its target of {HELP_TARGET_S} s and {HELP_TARGET_RATIO:.0f} x")
    fit_s = max(statistics.median(taken) for name, taken in times.items() if name.startswith("qwen-infra fit"))
    print(f"fit {'holds' if fit_s <= FIT_TARGET_S else 'misses'} its target of {FIT_TARGET_S} s")
    sys.exit(0 if held and fit_s <= FIT_TARGET_S else 1)


def run_s(command: Sequence[str], environment: Mapping[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
