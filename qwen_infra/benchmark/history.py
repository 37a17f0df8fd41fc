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
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from qwen_infra.benchmark.result import BenchmarkResult
from qwen_infra.errors import ConfigurationError

__all__ = [
    "find_latest",
    "find_result",
    "list_results",
    "list_stacks",
    "read_benchmark",
    "read_result",
    "validate_result",
    "write_result",
]

Model = TypeVar("Model", bound=BaseModel)
_BESIDE = frozenset({"slos", "capacity"})
"""What a stored document has beside the result itself."""
Identity = tuple[datetime, str]
"""When a result was made, and a token that no other result of that moment has."""
_KIND = re.compile(r"[a-z][a-z0-9]*")


def write_result(
    report: BaseModel | dict[str, Any], *, root: Path, stack: str, kind: str, identity: Identity | None = None
) -> Path:
    """Keep ``report`` as a new file.

    Args:
        report: a pydantic model, or anything that JSON can say.
        root: the folder of all stacks' results.
        stack: the stack's name; a qualified one (``organization/project/stack``) keeps its last part.
        kind: ``verification``, ``benchmark`` or ``baseline``.
        identity: of a result that was made elsewhere, so that it is kept once; default: now and a random token.

    Returns:
        The path of the new file.

    Raises:
        ConfigurationError: the names cannot be used, or the folder cannot be written.
    """
    folder = _stack_folder(root, stack, kind)
    text = report.model_dump_json(indent=2) if isinstance(report, BaseModel) else json.dumps(report, indent=2)
    path = folder / _file_name(kind, identity or (datetime.now(UTC), secrets.token_hex(4)))
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
        raise ConfigurationError(
            f"the result cannot be written: {error.strerror}",
            found=folder,
            mend="make the folder writable, or name another one",
        ) from error
    return path


def list_results(*, root: Path, stack: str, kind: str) -> list[Path]:
    """The stack's results of one kind, oldest first; empty when there are none."""
    return sorted(_stack_folder(root, stack, kind).glob(f"{kind}-*.json"))


def find_result(*, root: Path, stack: str, kind: str, identity: Identity) -> Path | None:
    """The result that was kept under ``identity``; None when there is none."""
    path = _stack_folder(root, stack, kind) / _file_name(kind, identity)
    return path if path.exists() else None


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
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigurationError(
            f"the result cannot be read: {reason}", found=path, mend="qwen-infra history lists those that are kept"
        ) from error
    except ValueError as error:
        raise ConfigurationError(
            f"the result cannot be read: {error}",
            found=path,
            mend="it is damaged: restore it from a copy, or remove it",
        ) from error
    if not isinstance(value, dict):
        raise ConfigurationError(
            "the file is no result: not a JSON object", found=path, mend="qwen-infra history lists those that are kept"
        )
    return value


def read_benchmark(path: Path) -> BenchmarkResult:
    """A stored benchmark, without the judgement that stands beside it.

    Raises:
        ConfigurationError: the file cannot be read or holds no benchmark of a known version.
    """
    values = {key: value for key, value in read_result(path).items() if key not in _BESIDE}
    return validate_result(BenchmarkResult, values, path, kind="benchmark")


def validate_result(model: type[Model], values: dict[str, Any], path: Path, *, kind: str) -> Model:
    """What a stored document says, as ``model``; ``kind`` is its name in a sentence.

    Raises:
        ConfigurationError: the document is of another kind, or of a version that is not known.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(
            f"the file holds no {kind} that this version can read: {place}: {first['msg']}",
            found=path,
            mend="read it with the version that wrote it, or remove it",
        ) from error


def list_stacks(root: Path) -> list[str]:
    """Stacks that have results, by name."""
    return sorted(path.name for path in root.glob("*") if path.is_dir() and any(path.glob("*-*.json")))


def _file_name(kind: str, identity: Identity) -> str:
    moment, token = identity
    return f"{kind}-{moment.astimezone(UTC).strftime('%Y%m%dT%H%M%S.%fZ')}-{token}.json"


def _stack_folder(root: Path, stack: str, kind: str) -> Path:
    name = stack.rsplit("/", maxsplit=1)[-1]
    if not name or name in {".", ".."} or not _KIND.fullmatch(kind):
        raise ConfigurationError(
            "results need a stack's name and a kind in small letters",
            found=f"{stack!r}, {kind}",
            mend="name the stack as its file does: Pulumi.NAME.yaml",
        )
    return root / name
