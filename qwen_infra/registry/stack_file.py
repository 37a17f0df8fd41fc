"""Writing a pinned image into a stack file without touching anything else in it: comments and order stay."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from qwen_infra.errors import ConfigurationError
from qwen_infra.registry.reference import parse_reference

__all__ = ["PinnedServer", "pin_in_stack_file"]


@dataclass(frozen=True)
class PinnedServer:
    """One place of the stack file that names the image now by its digest: the key, what stood there and what stands."""

    key: str
    before: str
    after: str


def pin_in_stack_file(path: Path, name: str, pinned: str) -> tuple[PinnedServer, ...]:
    """Replace every ``image`` of that name (without tag and digest) in the file; only those characters change.

    Raises:
        ConfigurationError: no such file, or no server in it has that image.
    """
    if not path.is_file():
        raise ConfigurationError("there is no such stack file", where="--stack", found=path.name)
    text = path.read_text("utf-8")
    places = [place for place in _find_images(yaml.compose(text), "") if parse_reference(place[1].value).name == name]
    if not places:
        raise ConfigurationError(
            f"no server of this stack names the image {name}",
            where=path.name,
            mend=f"pulumi config set --path 'qwen-infra:server.image' {pinned}",
        )
    for _, node in reversed(places):
        text = text[: node.start_mark.index] + pinned + text[node.end_mark.index :]
    path.write_text(text, "utf-8")
    return tuple(PinnedServer(key, node.value, pinned) for key, node in places)


def _find_images(node: yaml.Node | None, path: str) -> Iterator[tuple[str, yaml.ScalarNode]]:
    """Every scalar under a key ``image``, with its path, in the order of the file."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = f"{path}.{key.value}".lstrip(".").removeprefix("config.")
            if key.value == "image" and isinstance(value, yaml.ScalarNode):
                yield here, value
            else:
                yield from _find_images(value, here)
    elif isinstance(node, yaml.SequenceNode):
        for at, item in enumerate(node.value):
            yield from _find_images(item, f"{path}[{at}]")
