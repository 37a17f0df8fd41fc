"""The command ``qwen-infra``: which commands there are, and how an error becomes a message and an exit code.

Exit codes: 0 done, 1 the thing asked about failed, 2 wrong usage or configuration, 3 the environment lacks something.
"""

import sys

import typer

from qwen_infra.cli import bench, demo, local, render, verify
from qwen_infra.cli.output import print_error
from qwen_infra.errors import QwenInfraError

__all__ = ["app", "main"]

INTERRUPTED = 130

app = typer.Typer(
    help="Serve Qwen3.5 with vLLM on Kubernetes, proven correct and fast enough.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("render")(render.render)
app.command("verify")(verify.verify)
app.command("bench")(bench.bench)
app.command("demo")(demo.demo)
app.add_typer(local.app, name="local")


def main() -> None:
    """Run a command; a known error is one message, never a traceback."""
    try:
        app()
    except QwenInfraError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
