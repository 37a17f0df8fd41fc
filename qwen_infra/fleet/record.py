"""What a rollout has done to each stack, kept in a file, so that the next run goes on where this one stopped.

One entry a stack and not one a rollout: an environment has passed with what it was deployed from, whoever asked.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from qwen_infra.errors import ConfigurationError, EnvironmentMissingError

__all__ = ["Entry", "Outcome", "Record", "open_record"]

Outcome = Literal["running", "passed", "failed", "interrupted"]


@dataclass(frozen=True)
class Entry:
    """The last thing that was done to a stack.

    Args:
        fingerprint: what it was deployed from (``fingerprint.py``).
        outcome: ``running`` is left behind by a process that was killed.
        at: when the outcome was known (RFC 3339).
        updated: when Pulumi's state was last written then; another moment means that somebody else deployed since.
        commit: the Git commit of the folder, empty where there is none.
        reason: why the gate failed.
    """

    fingerprint: str
    outcome: Outcome
    at: str
    updated: str = ""
    commit: str = ""
    reason: str = ""


_ENTRIES = TypeAdapter(dict[str, Entry])


class Record:
    """The entries of a file; each change is on the disk before the next thing is done."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries = _read(path)

    def find(self, stack: str) -> Entry | None:
        return self._entries.get(stack)

    def write(self, stack: str, entry: Entry) -> None:
        """Replace a stack's entry; a reader sees the file before or after, never half of it."""
        self._entries[stack] = entry
        document = {"version": 1, "stacks": {name: asdict(each) for name, each in sorted(self._entries.items())}}
        beside = self._path.with_name(f"{self._path.name}.new")
        beside.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
        beside.replace(self._path)


def _read(path: Path) -> dict[str, Entry]:
    if not path.exists():
        return {}
    try:
        document = json.loads(path.read_text("utf-8"))
        if not isinstance(document, dict) or document.get("version") != 1:
            raise ValueError("no record of version 1")
        return _ENTRIES.validate_python(document.get("stacks"))
    except (ValueError, ValidationError) as error:
        raise ConfigurationError(
            "this is no record of a rollout",
            where=str(path),
            found=str(error).splitlines()[0],
            mend="name another with --record, or remove it: every stack is then rolled again",
        ) from None


@contextmanager
def open_record(path: Path) -> Iterator[Record]:
    """The record, for one rollout at a time on this machine; the lock ends with the process, however it ends.

    Raises:
        EnvironmentMissingError: another rollout works with it.
        ConfigurationError: the file is no record.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise EnvironmentMissingError(
                "another rollout works with this record",
                where=str(path),
                found=f"process {lock.read().strip() or 'unknown'}",
                mend="wait until it has ended, or name another with --record",
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield Record(path)
