"""The state folder of a cluster."""

import shutil
from pathlib import Path

import pytest

from qwen_infra.errors import ConfigurationError
from qwen_infra.local.folders import ClusterRecord, StateFolder


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder.of("demo", tmp_path)


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "a/b", "..", "a" * 41])
def test_a_name_that_is_no_dns_label_is_refused(name: str, tmp_path: Path):
    with pytest.raises(ConfigurationError, match="--name"):
        StateFolder.of(name, tmp_path)


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert StateFolder.of("demo", None).path == tmp_path / "qwen-infra" / "local" / "demo"


def test_a_record_is_read_as_it_was_written(folder: StateFolder):
    record = ClusterRecord(name="demo", profile="cpu", server="none", bin_folder=Path("/bin"), api_port=1)
    folder.write_record(record)
    assert folder.read_record() == record


@pytest.mark.parametrize("text", ["", "{", '{"name": "demo"}'])
def test_a_broken_record_counts_as_none(folder: StateFolder, text: str):
    folder.path.mkdir()
    folder.record_file.write_text(text)
    assert folder.read_record() is None


def test_removing_may_keep_what_was_configured_before(folder: StateFolder):
    folder.path.mkdir()
    folder.simulator_options.write_text('{"profile": "instant"}')
    (folder.path / "other").touch()
    folder.remove(keep_simulator_options=True)
    assert folder.read_simulator_options() == {"profile": "instant"}
    assert not (folder.path / "other").exists()


def test_files_with_credentials_are_readable_by_their_owner_only(folder: StateFolder):
    record = ClusterRecord(name="demo", profile="cpu", server="none", bin_folder=Path("/bin"), api_port=1)
    folder.write_record(record)
    assert folder.record_file.stat().st_mode & 0o077 == 0


def test_what_is_left_of_a_removal_that_was_killed_is_no_cluster(folder: StateFolder, monkeypatch: pytest.MonkeyPatch):
    record = ClusterRecord(
        name="demo", profile="cpu", server="none", bin_folder=Path("/bin"), api_port=1, complete=True
    )
    folder.write_record(record)
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)  # killed before the first file went
    folder.remove()
    assert folder.path.exists()
    assert folder.read_record() is None
