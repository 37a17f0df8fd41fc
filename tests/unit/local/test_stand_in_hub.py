"""The Hub of a local cluster has every repository, at main and at any commit."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from qwen_infra.local.agent.stand_in_hub import serve_stand_in
from qwen_infra.local.agent_process import AgentOptions
from qwen_infra.local.folders import StateFolder

PINNED = "0123456789" * 4


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[str]:
    folder = StateFolder.of("test", tmp_path)
    folder.path.mkdir()
    with serve_stand_in(folder, AgentOptions(kind="simulator")) as hub:
        yield hub.endpoint


@pytest.mark.parametrize(("revision", "known"), [("main", False), (PINNED, True)])
def test_any_model_and_any_commit_is_there(endpoint: str, revision: str, known: bool) -> None:
    with urlopen(f"{endpoint}/api/models/Qwen/Anything/revision/{revision}") as answer:
        found = json.load(answer)
    assert found["id"] == "Qwen/Anything"
    assert (found["sha"] == PINNED) == known


def test_large_files_come_through_a_redirect_as_on_the_hub(endpoint: str) -> None:
    with urlopen(f"{endpoint}/Qwen/Anything/resolve/{PINNED}/model.safetensors") as answer:
        assert "/linked/Qwen/Anything/" in answer.url
        assert len(answer.read()) > 1 << 20


def test_its_readme_says_what_it_is(endpoint: str) -> None:
    with urlopen(f"{endpoint}/Qwen/Anything/resolve/main/README.md") as answer:
        assert b"without a model" in answer.read()


def test_another_branch_is_not_there(endpoint: str) -> None:
    with pytest.raises(HTTPError, match="404"):
        urlopen(f"{endpoint}/api/models/Qwen/Anything/revision/v9")


@pytest.mark.parametrize(("tensor", "kept"), [(None, True), (b"newer", False)])
def test_disks_that_were_filled_with_another_miniature_are_given_up(
    tmp_path: Path, tensor: bytes | None, kept: bool
) -> None:
    folder = StateFolder.of("test", tmp_path)
    model = tmp_path / "miniature"
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"first")
    options = AgentOptions(kind="vllm", model=model)
    with serve_stand_in(folder, options):
        (folder.storage / "nodes").mkdir()
    if tensor is not None:
        (model / "model.safetensors").write_bytes(tensor)
    with serve_stand_in(folder, options):
        assert (folder.storage / "nodes").exists() == kept
