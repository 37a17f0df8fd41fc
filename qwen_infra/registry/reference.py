"""``vllm/vllm-openai:v0.32.0`` taken apart as container runtimes do: registry, repository, tag, digest."""

import re
from dataclasses import dataclass

from qwen_infra.errors import ConfigurationError

__all__ = ["ImageReference", "parse_reference"]

DOCKER_HUB = "registry-1.docker.io"
_REPOSITORY = re.compile(r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")
_TAG = re.compile(r"\w[\w.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class ImageReference:
    """An image; ``name`` is the reference without tag and digest, as it was written."""

    name: str
    registry: str
    repository: str
    tag: str | None
    digest: str | None

    def pinned(self, digest: str) -> str:
        """The reference by content; the tag stays for its reader, runtimes go by the digest."""
        return f"{self.name}{f':{self.tag}' if self.tag else ''}@{digest}"


def parse_reference(text: str) -> ImageReference:
    """The parts of an image reference.

    Raises:
        ConfigurationError: it is none.
    """
    rest, has_digest, digest = text.partition("@")
    head, colon, tag = rest.rpartition(":")
    name, tag = (head, tag) if colon and "/" not in tag else (rest, "")
    first, slash, after = name.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    repository = after if is_host else name if slash else f"library/{name}"
    right = _REPOSITORY.fullmatch(repository) and (not tag or _TAG.fullmatch(tag))
    if not right or (has_digest and not _DIGEST.fullmatch(digest)) or rest.endswith(":"):
        raise ConfigurationError(
            "this is no image reference",
            where="IMAGE",
            found=text or "nothing",
            expected="NAME:TAG",
            mend=f"qwen-infra image pin {_suggest(text)}",
        )
    registry = first if is_host and first != "docker.io" else DOCKER_HUB
    return ImageReference(name, registry, repository, tag or None, digest or None)


def _suggest(text: str) -> str:
    """What was probably meant: a page's address without what a browser shows, names in small letters."""
    bare = re.sub(r"^(https?://)?(hub\.docker\.com/r/)?", "", text.strip()).rstrip("/:").partition("@")[0]
    name, colon, tag = bare.rpartition(":")
    meant = f"{name.lower()}:{tag}" if colon and "/" not in tag else f"{bare.lower()}:TAG"
    return meant if _REPOSITORY.fullmatch(meant.rpartition(":")[0]) else "vllm/vllm-openai:v0.32.0"
