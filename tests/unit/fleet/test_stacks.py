"""Which stacks there are, and which a change touches."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_infra.errors import ConfigurationError
from qwen_infra.fleet import affected_stacks, changed_paths, list_stacks

STACKS = ("dev", "prod-eu", "prod-us")
STACK_FILE = """config:
  qwen-infra:cluster: {identifier: test}
  qwen-infra:model: {name: Qwen3.5-4B, precision: bf16}
  qwen-infra:server: {gpu: GB200}
"""


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--initial-branch=main")
    (tmp_path / "Pulumi.dev.yaml").write_text(STACK_FILE, "utf-8")
    (tmp_path / "README.md").write_text("hello", "utf-8")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--message=first")
    return tmp_path


def test_a_stack_file_touches_its_own_stack() -> None:
    assert affected_stacks(["Pulumi.prod-eu.yaml", "README.md"], STACKS) == ("prod-eu",)


@pytest.mark.parametrize(
    "path",
    ["Pulumi.yaml", "__main__.py", "requirements.txt", "qwen_infra/catalog/data/gpus.json"],
)
def test_the_program_touches_every_stack(path: str) -> None:
    assert affected_stacks([path], STACKS) == STACKS


@pytest.mark.parametrize("path", ["docs/state.md", "tests/unit/x.py", "qwen_infra/cli/main.py", "Pulumi.other.yaml"])
def test_what_no_deployment_is_made_of_touches_none(path: str) -> None:
    assert affected_stacks([path], STACKS) == ()


@given(st.lists(st.sampled_from(["Pulumi.dev.yaml", "Pulumi.prod-eu.yaml", "README.md", "__main__.py"])))
def test_more_changes_never_touch_fewer_stacks(paths: list[str]) -> None:
    assert set(affected_stacks(paths[:1], STACKS)) <= set(affected_stacks(paths, STACKS))


def test_committed_changed_and_new_files_count_as_changed(repository: Path) -> None:
    git(repository, "checkout", "-b", "change")
    (repository / "Pulumi.prod-eu.yaml").write_text(STACK_FILE, "utf-8")
    git(repository, "add", ".")
    git(repository, "commit", "--message=second")
    (repository / "README.md").write_text("changed", "utf-8")
    (repository / "new.txt").write_text("new", "utf-8")
    assert changed_paths(repository, "main") == ("Pulumi.prod-eu.yaml", "README.md", "new.txt")


def test_what_the_base_gained_meanwhile_is_no_change_of_ours(repository: Path) -> None:
    git(repository, "checkout", "-b", "change")
    git(repository, "checkout", "main")
    (repository / "other.txt").write_text("theirs", "utf-8")
    git(repository, "add", ".")
    git(repository, "commit", "--message=theirs")
    git(repository, "checkout", "change")
    assert changed_paths(repository, "main") == ()


def test_a_commit_that_does_not_exist_is_told(repository: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"--changed-since: git cannot compare with this \(found nowhere"):
        changed_paths(repository, "nowhere")


def test_a_wrong_stack_file_is_listed_with_its_problem(repository: Path) -> None:
    (repository / "Pulumi.wrong.yaml").write_text("config: {qwen-infra:cluster: {}}", "utf-8")
    dev, wrong = list_stacks(repository)
    assert (dev.name, dev.problem) == ("dev", None)
    assert "qwen-infra:cluster.identifier: this key is required and missing" in (wrong.problem or "")
