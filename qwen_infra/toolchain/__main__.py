"""``python -m qwen_infra.toolchain [--list] [PROGRAM ...]``: makes sure that the programs are there and prints their
folder.

The folder is the only line on standard output, so that a Makefile can take it; everything else goes to standard error.
"""

import argparse
import sys
from collections.abc import Sequence

from qwen_infra.errors import QwenInfraError
from qwen_infra.toolchain.programs import PROGRAMS
from qwen_infra.toolchain.resolution import ensure, find_programs


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit code (0 done, 2 wrong usage, 3 something is missing on this machine)."""
    parser = argparse.ArgumentParser(
        prog="python -m qwen_infra.toolchain", description="Make sure that programs are there."
    )
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help=f"one of {', '.join(PROGRAMS)}; all by default")
    parser.add_argument("--list", action="store_true", help="say where each comes from, and build nothing")
    options = parser.parse_args(arguments)
    programs = tuple(options.programs) or PROGRAMS
    try:
        if options.list:
            for origin in find_programs(programs):
                print(f"{origin.program.name:<28} {origin.words}")
        else:
            print(ensure(programs).bin_folder)
    except QwenInfraError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped; what was finished stays in the cache", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
