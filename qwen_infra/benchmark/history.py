"""Results on disk: each run is one file that appears whole and is never written again.

    <root>/<stack>/<kind>-<UTC time>-<short id>.json

Safe under several writers: no name is used twice, and a file gets its name only when it is complete. Any report can be
kept, a verification as well as a benchmark. No reading of meaning here: ``reports`` does that.
"""

import json
import os
import re
import secrets
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from qwen_infra.errors import ConfigurationError

__all__ = ["find_latest", "list_results", "read_result", "write_result"]

_KIND = re.compile(r"[a-z][a-z0-9]*")


def write_result(report: BaseModel | dict[str, Any], *, root: Path, stack: str, kind: str) -> Path:
    """Keep ``report`` as a new file.

    Args:
        report: a pydantic model, or anything that JSON can say.
        root: the folder of all stacks' results.
        stack: the stack's name; a qualified one (``organization/project/stack``) keeps its last part.
        kind: ``verification`` or ``benchmark``.

    Returns:
        The path of the new file.

    Raises:
        ConfigurationError: the names cannot be used, or the folder cannot be written.
    """
    folder = _stack_folder(root, stack, kind)
    text = report.model_dump_json(indent=2) if isinstance(report, BaseModel) else json.dumps(report, indent=2)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    path = folder / f"{kind}-{moment}-{secrets.token_hex(4)}.json"
    draft = folder / f".{path.name}.{os.getpid()}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with draft.open("x", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)  # noqa: PTH105 the one call that is known to be atomic
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise ConfigurationError(f"the result cannot be written: {error.strerror}", found=folder) from error
    return path


def list_results(*, root: Path, stack: str, kind: str) -> list[Path]:
    """The stack's results of one kind, oldest first; empty when there are none."""
    return sorted(_stack_folder(root, stack, kind).glob(f"{kind}-*.json"))


def find_latest(*, root: Path, stack: str, kind: str) -> Path | None:
    """The newest result of one kind; None when there is none."""
    return next(reversed(list_results(root=root, stack=stack, kind=kind)), None)


def read_result(path: Path) -> dict[str, Any]:
    """The JSON object in a result's file.

    Raises:
        ConfigurationError: the file cannot be read or is no result.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the result cannot be read: {error}", found=path) from error
    if not isinstance(value, dict):
        raise ConfigurationError("the file is no result: not a JSON object", found=path)
    return value


def _stack_folder(root: Path, stack: str, kind: str) -> Path:
    name = stack.rsplit("/", maxsplit=1)[-1]
    if not name or name in {".", ".."} or not _KIND.fullmatch(kind):
        raise ConfigurationError("results need a stack's name and a kind in small letters", found=f"{stack!r}, {kind}")
    return root / name
