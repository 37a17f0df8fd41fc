"""Image references, taken apart as container runtimes do."""

import pytest

from qwen_infra.errors import ConfigurationError
from qwen_infra.registry import parse_reference

DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag"),
    [
        ("vllm/vllm-openai:v0.32.0", "registry-1.docker.io", "vllm/vllm-openai", "v0.32.0"),
        ("docker.io/vllm/vllm-openai:v1", "registry-1.docker.io", "vllm/vllm-openai", "v1"),
        ("debian", "registry-1.docker.io", "library/debian", None),
        ("localhost:5000/a/b:c", "localhost:5000", "a/b", "c"),
        ("registry.example:8443/a", "registry.example:8443", "a", None),
        (f"quay.io/a/b:c@{DIGEST}", "quay.io", "a/b", "c"),
    ],
)
def test_the_parts_of_a_reference(text: str, registry: str, repository: str, tag: str | None) -> None:
    found = parse_reference(text)
    assert (found.registry, found.repository, found.tag) == (registry, repository, tag)


@pytest.mark.parametrize("text", ["", "UPPER/case:x", "a:b:c", "a@sha256:12", "a:", "http://a/b"])
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="this is no image reference"):
        parse_reference(text)


def test_a_pinned_reference_keeps_its_tag_for_the_reader() -> None:
    old = parse_reference(f"vllm/vllm-openai:v0.32.0@sha256:{'b' * 64}")
    assert old.pinned(DIGEST) == f"vllm/vllm-openai:v0.32.0@{DIGEST}"
