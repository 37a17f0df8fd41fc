"""Output that nobody reads any more (``… | head -1``), or that has no room: told apart from errors of other pipes."""

import errno
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

__all__ = ["CLOSED", "PipeError", "abandon_unwritable", "is_output_closed", "open_missing_streams", "pipe_errors_kept"]

CLOSED = 141
"""The exit code of a program that a shell ended by SIGPIPE."""


class PipeError(Exception):
    """An EPIPE on its way through Typer, which would end the program by itself, whosever pipe it was."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def pipe_errors_kept() -> Iterator[None]:
    """Raise EPIPE as a ``PipeError``."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise PipeError(error) from error
        raise


def is_output_closed() -> bool:
    """Whether the reader of standard output or standard error is gone."""
    return any(_is_reader_gone(stream) for stream in (sys.stdout, sys.stderr))


def _is_reader_gone(stream: TextIO) -> bool:
    try:
        poll = select.poll()
        poll.register(stream.fileno(), 0)  # what is asked for nothing is told of errors all the same
        return bool(poll.poll(0))
    except (OSError, ValueError):
        return False


def open_missing_streams() -> None:
    """Give a program that was started without one of its streams (``>&-``) the null device in its place.

    Else the next file that is opened takes its number, and what children print goes into that file.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115


def abandon_unwritable() -> None:
    """Drop what cannot be written, so that the interpreter does not complain about it at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)
