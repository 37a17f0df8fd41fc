"""What a stack would be deployed from, as one number: the same number is the same change."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import qwen_infra
from qwen_infra.fleet.stacks import PROGRAM_FILES, is_deployed
from qwen_infra.settings import read_stack_config

__all__ = ["fingerprint"]


def fingerprint(folder: Path, stack: str) -> str:
    """Of the stack's configuration (without what Pulumi notes beside it) and of the program as it is installed here.

    Raises:
        ConfigurationError: there is no such stack file, or it is not YAML.
    """
    found = hashlib.sha256(json.dumps(read_stack_config(folder, stack), sort_keys=True, default=str).encode())
    for name, path in _program(folder):
        found.update(f"\0{name}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def _program(folder: Path) -> Iterator[tuple[str, Path]]:
    """Everything that a deployment is made of, in one order on every machine."""
    yield from ((name, folder / name) for name in PROGRAM_FILES if (folder / name).is_file())
    package = Path(qwen_infra.__file__).parent
    for path in sorted(package.rglob("*")):
        name = f"qwen_infra/{path.relative_to(package).as_posix()}"
        if path.is_file() and "__pycache__" not in path.parts and is_deployed(name):
            yield name, path
