"""The command ``qwen-infra``: how a command line becomes a call, an error a message and an exit code.

Exit codes: 0 done, 1 the thing asked about failed, 2 wrong usage or configuration, 3 the environment lacks something.
Which commands there are stands in ``qwen_infra.cli.commands``.
"""

import errno
import sys
from contextlib import suppress
from typing import Annotated

import typer
from typer.exceptions import Abort, TyperException

from qwen_infra import __version__
from qwen_infra.cli.closed_output import (
    CLOSED,
    PipeError,
    abandon_unwritable,
    is_output_closed,
    open_missing_streams,
)
from qwen_infra.cli.lazy import CommandGroup
from qwen_infra.cli.output import print_error, say
from qwen_infra.cli.usage import explain_usage
from qwen_infra.errors import EnvironmentMissingError, QwenInfraError

__all__ = ["app", "main"]

NAME = "qwen-infra"
INTERRUPTED = 130

app = typer.Typer(
    cls=CommandGroup,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Help on one command: qwen-infra COMMAND --help. Exit codes: 0 done, 1 the thing asked about failed, "
    "2 wrong usage or configuration, 3 the environment lacks something.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"{NAME} {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Serve Qwen3.5 with vLLM on Kubernetes, proven correct and fast enough."""
    del version
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(2)


def main() -> None:
    """Run a command; a known error is one message, never a traceback, and a closed pipe (``| head -1``) is none."""
    open_missing_streams()
    try:
        sys.exit(_run())
    finally:
        abandon_unwritable()


def _run() -> int:
    try:
        code: int | None = app(prog_name=NAME, standalone_mode=False)
        sys.stdout.flush()  # here, where a full disk is still an error with a message
    except QwenInfraError as error:
        return _tell(error)
    except TyperException as error:
        return _tell_usage(error)
    except (Abort, KeyboardInterrupt):
        return _tell_interrupted()
    except (PipeError, OSError) as error:
        return _tell_system(error.error if isinstance(error, PipeError) else error)
    return _tell_interrupted() if code == INTERRUPTED else code or 0  # how Typer tells Ctrl-C


def _tell_usage(error: TyperException) -> int:
    if type(error).__name__ != "NoArgsIsHelpError":
        return _tell(explain_usage(error))
    with suppress(OSError):
        print(error.message, file=sys.stderr)  # a group alone: its message is its help
    return 2


def _tell_system(error: OSError) -> int:
    """Nothing where the output's reader has gone, as ``head`` does when it has enough."""
    is_closed = error.errno == errno.EPIPE and is_output_closed()
    return CLOSED if is_closed else _tell(_explain_system(error))


def _explain_system(error: OSError) -> EnvironmentMissingError:
    reason = f"{error.strerror or error}".lower()
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        mend = "free space where the output goes, and run it again"
    elif error.filename is not None:
        mend = "name a file that is there and may be read or written"
    else:
        mend = "qwen-infra doctor looks at this machine"
    if error.filename is None:
        return EnvironmentMissingError(f"this machine refuses: {reason}", mend=mend)
    return EnvironmentMissingError(f"this file cannot be used: {reason}", where=str(error.filename), mend=mend)


def _tell_interrupted() -> int:
    """One line, below the ``^C`` that a terminal shows."""
    with suppress(OSError):
        say("\ninterrupted" if sys.stderr.isatty() else "interrupted")
    return INTERRUPTED


def _tell(error: QwenInfraError) -> int:
    """The message, where it can be written; the exit code in any case."""
    with suppress(OSError):
        print_error(error)
        sys.stderr.flush()
    return error.exit_code
