"""``qwen-infra model pin`` against the stand-in for the Hub."""

import json
from functools import partial
from pathlib import Path

import pytest

from qwen_infra.local.hub.repository import HubRepository
from qwen_infra.local.hub.server import serve_hub
from tests.unit.cli.conftest import Typed

TEXT = """\
# our stack
config:
  qwen-infra:cluster: {identifier: eu}
  qwen-infra:cache: {kind: hostPath, path: /data, hubEndpoint: "HUB"}
  qwen-infra:server: {gpu: H200}
"""
ONE = """\
  qwen-infra:model:
    name: Qwen3.5-4B
    precision: bf16
    revision: "0000000000000000000000000000000000000000" # which one we serve
"""
TWO = """\
  qwen-infra:models:
    small: {model: {name: Qwen3.5-2B, precision: bf16, revision: main}}
    large: {model: {name: Qwen3.5-4B, precision: bf16, revision: main}}
"""


@pytest.fixture
def run(typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    monkeypatch.chdir(tmp_path)
    return partial(typed, "model", "pin")


@pytest.fixture
def hub(tmp_path: Path):
    """The endpoint, and the commit of each repository."""
    repositories = {}
    commits = {}
    for size in ("2B", "4B"):
        folder = tmp_path / size
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({"size": size}), "utf-8")
        repository = HubRepository(f"Qwen/Qwen3.5-{size}")
        commits[size] = repository.publish(folder)
        repositories[repository.name] = repository
    with serve_hub(list(repositories.values())) as served:
        yield served.endpoint, commits


def write(name: str, endpoint: str, models: str) -> Path:
    path = Path(f"Pulumi.{name}.yaml")
    path.write_text(TEXT.replace("HUB", endpoint) + models, "utf-8")
    return path


def test_stacks_with_one_model_get_one_commit_and_keep_their_comments(hub, run: Typed) -> None:
    endpoint, commits = hub
    paths = [write(name, endpoint, ONE) for name in ("staging", "prod")]
    code, told, _ = run("--stack", "staging", "--stack", "prod")
    assert (code, told) == (0, f"Qwen/Qwen3.5-4B@{commits['4B']}\n")
    for path in paths:
        assert f'    revision: "{commits["4B"]}" # which one we serve\n' in path.read_text("utf-8")


def test_each_model_of_a_stack_gets_its_own_commit(hub, run: Typed) -> None:
    endpoint, commits = hub
    path = write("both", endpoint, TWO)
    code, told, _ = run("--stack", "both", "--json")
    found = {each["key"]: each["revision"] for each in json.loads(told)}
    assert code == 0
    assert found == {
        "qwen-infra:models.small.model.revision": commits["2B"],
        "qwen-infra:models.large.model.revision": commits["4B"],
    }
    assert all(commit in path.read_text("utf-8") for commit in commits.values())


def test_a_dry_run_writes_nothing(hub, run: Typed) -> None:
    endpoint, _ = hub
    path = write("staging", endpoint, ONE)
    before = path.read_text("utf-8")
    assert run("--stack", "staging", "--dry-run")[0] == 0
    assert path.read_text("utf-8") == before


def test_a_revision_that_does_not_exist_is_told_and_nothing_is_written(hub, run: Typed) -> None:
    endpoint, _ = hub
    path = write("staging", endpoint, ONE)
    before = path.read_text("utf-8")
    code, _, told = run("--stack", "staging", "--revision", "v9")
    assert code == 2
    assert told.startswith("error: Qwen/Qwen3.5-4B: the Hub has no such revision: ")
    assert path.read_text("utf-8") == before


def test_a_stack_file_without_the_key_is_told_the_command(hub, run: Typed) -> None:
    endpoint, commits = hub
    write("staging", endpoint, ONE.replace("    revision", "    # revision"))
    code, _, told = run("--stack", "staging")
    assert code == 2
    assert f"pulumi config set --path 'qwen-infra:model.revision' {commits['4B']}" in told


def test_a_hub_that_does_not_answer_is_exit_code_3(run: Typed) -> None:
    write("staging", "http://127.0.0.1:9", ONE)
    assert run("--stack", "staging")[0] == 3
