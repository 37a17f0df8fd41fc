"""Writing a digest into a stack file."""

from pathlib import Path

import pytest

from qwen_infra.errors import ConfigurationError
from qwen_infra.registry import pin_in_stack_file

PINNED = f"vllm/vllm-openai:v0.32.0@sha256:{'a' * 64}"
TEXT = """\
# our stack
config:
  qwen-infra:server:
    gpu: GB200 # four of them
    image: 'vllm/vllm-openai:v0.31.0'   # the CUDA 13 image
    replicas: 1
"""


def write(tmp_path: Path, text: str = TEXT) -> Path:
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text(text, "utf-8")
    return path


def test_only_the_image_changes_comments_and_order_stay(tmp_path: Path) -> None:
    path = write(tmp_path)
    (changed,) = pin_in_stack_file(path, "vllm/vllm-openai", PINNED)
    assert path.read_text("utf-8") == TEXT.replace("'vllm/vllm-openai:v0.31.0'", PINNED)
    assert (changed.key, changed.before) == ("qwen-infra:server.image", "vllm/vllm-openai:v0.31.0")


@pytest.mark.parametrize(
    "text",
    [TEXT.replace("\n", "\r\n"), "\ufeff" + TEXT, TEXT.rstrip("\n"), TEXT.replace("# our", "# \u6211\u4eec\u7684")],
    ids=["CRLF", "BOM", "no end of the last line", "Chinese"],
)
def test_every_other_byte_stays_as_it_was(tmp_path: Path, text: str) -> None:
    path = tmp_path / "Pulumi.x.yaml"
    path.write_bytes(text.encode())
    pin_in_stack_file(path, "vllm/vllm-openai", PINNED)
    assert path.read_bytes() == text.replace("'vllm/vllm-openai:v0.31.0'", PINNED).encode()


def test_pinning_twice_changes_nothing_more(tmp_path: Path) -> None:
    path = write(tmp_path)
    pin_in_stack_file(path, "vllm/vllm-openai", PINNED)
    once = path.read_text("utf-8")
    pin_in_stack_file(path, "vllm/vllm-openai", PINNED)
    assert path.read_text("utf-8") == once


def test_a_stack_without_that_image_is_left_alone_and_told_the_command(tmp_path: Path) -> None:
    path = write(tmp_path)
    with pytest.raises(ConfigurationError, match=r"pulumi config set --path 'qwen-infra:server\.image' other@"):
        pin_in_stack_file(path, "other", "other@sha256:x")
    assert path.read_text("utf-8") == TEXT


@pytest.mark.parametrize("content", [b"config: [", b"config: \xff"])
def test_a_stack_file_that_is_not_yaml_is_told(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path)
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="the stack file is not YAML"):
        pin_in_stack_file(path, "vllm/vllm-openai", PINNED)
    assert path.read_bytes() == content


def test_only_the_stack_file_is_left_behind_with_the_permissions_that_it_had(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.chmod(0o640)
    pin_in_stack_file(path, "vllm/vllm-openai", PINNED)
    assert [(found.name, found.stat().st_mode & 0o777) for found in tmp_path.iterdir()] == [("Pulumi.x.yaml", 0o640)]
