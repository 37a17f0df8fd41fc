"""Writing pinned names into a stack file without touching anything else in it: comments and order stay."""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from qwen_infra.errors import ConfigurationError
from qwen_infra.registry.reference import parse_reference

__all__ = ["PinnedServer", "pin_in_stack_file", "set_in_stack_file"]


@dataclass(frozen=True)
class PinnedServer:
    """One place of the stack file that is pinned now: the key, what stood there and what stands."""

    key: str
    before: str
    after: str


def pin_in_stack_file(path: Path, name: str, pinned: str) -> tuple[PinnedServer, ...]:
    """Replace every ``image`` of that name (without tag and digest) in the file; only those characters change.

    Raises:
        ConfigurationError: no such file, it is not YAML, or no server in it has that image.
    """
    text = _read(path)
    found = _find_scalars(_compose(path, text), "image", "")
    places = {key: node for key, node in found if parse_reference(node.value).name == name}
    if not places:
        raise ConfigurationError(
            f"no server of this stack names the image {name}",
            where=path.name,
            mend=f"pulumi config set --path 'qwen-infra:server.image' {pinned}",
        )
    return _replace(path, text, places, dict.fromkeys(places, pinned))


def set_in_stack_file(path: Path, values: Mapping[str, str]) -> tuple[PinnedServer, ...]:
    """Give keys such as ``qwen-infra:model.revision`` new values; only those characters of the file change.

    Raises:
        ConfigurationError: no such file, it is not YAML, or one of the keys does not stand in it.
    """
    text = _read(path)
    names = {key.rpartition(".")[2] for key in values}
    root = _compose(path, text)
    places = {key: node for name in names for key, node in _find_scalars(root, name, "") if key in values}
    if missing := sorted(values.keys() - places.keys()):
        raise ConfigurationError(
            "the stack file does not have this key",
            where=missing[0],
            mend=f"pulumi config set --path '{missing[0]}' {values[missing[0]]}",
        )
    return _replace(path, text, places, {key: f'"{value}"' for key, value in values.items()})


def _read(path: Path) -> str:
    if not path.is_file():
        raise ConfigurationError(
            "there is no such stack file",
            where="--stack",
            found=path.name,
            mend="qwen-infra stacks lists those of this folder; qwen-infra init NAME makes one",
        )
    try:
        return path.read_bytes().decode("utf-8")  # not as text: line ends stay as they are
    except UnicodeDecodeError as error:
        raise _refuse(path, error) from None


def _compose(path: Path, text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise _refuse(path, error) from None


def _refuse(path: Path, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        "the stack file is not YAML",
        where=path.name,
        found=" ".join(str(error).split()),
        mend="correct the line that it names; a value with a colon or a brace needs quotes",
    )


def _write_whole(path: Path, text: str) -> None:
    """By one rename, so that a full disk or a kill leaves the file as it was."""
    target = path.resolve()
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.write_bytes(text.encode("utf-8"))
        shutil.copymode(target, draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _replace(
    path: Path, text: str, places: Mapping[str, yaml.ScalarNode], values: Mapping[str, str]
) -> tuple[PinnedServer, ...]:
    """Write each value in the place of its scalar, the last one first, so that the marks of the others stay right."""
    for key, node in sorted(places.items(), key=lambda item: item[1].start_mark.index, reverse=True):
        text = text[: node.start_mark.index] + values[key] + text[node.end_mark.index :]
    _write_whole(path, text)
    return tuple(PinnedServer(key, node.value, values[key].strip('"')) for key, node in places.items())


def _find_scalars(node: yaml.Node | None, name: str, path: str) -> Iterator[tuple[str, yaml.ScalarNode]]:
    """Every scalar under a key of that name, with its path, in the order of the file."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = f"{path}.{key.value}".lstrip(".").removeprefix("config.")
            if key.value == name and isinstance(value, yaml.ScalarNode):
                yield here, value
            else:
                yield from _find_scalars(value, name, here)
    elif isinstance(node, yaml.SequenceNode):
        for at, item in enumerate(node.value):
            yield from _find_scalars(item, name, f"{path}[{at}]")
