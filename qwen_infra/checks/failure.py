"""How a deployment fails with one line and nothing after it.

Pulumi's language host prints the message of a ``pulumi.RunError`` and then, for every exit code but 32, a second line
of its own ("an unhandled error occurred: program exited with non-zero exit code: 1"). 32 is the code by which a
program says that its user has been told (``pulumi-language-python-exec``, SDK 3.259), but only tracebacks get it there.
"""

import atexit
import os
import sys
from contextlib import suppress

import pulumi

__all__ = ["DeploymentFailedError", "exit_after_the_message"]

USER_HAS_BEEN_TOLD = 32

_told: list[str] = []


class DeploymentFailedError(pulumi.RunError):
    """A failure whose message is all that its reader needs."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        _told.append(message)


def exit_after_the_message() -> None:
    """Let this process end with the code for "told" when a deployment failed; called once by the program."""
    atexit.register(_end)


def _end() -> None:
    if _told:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(USER_HAS_BEEN_TOLD)
