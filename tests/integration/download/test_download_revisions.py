"""A store of many revisions: beside each other, switched when complete, removed only when asked; and adoption."""

import os
from pathlib import Path

import pytest

from qwen_infra.local.hub import HubRepository, HubStandIn
from tests.integration.download.conftest import REPOSITORY, Downloader, compare

LARGE = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def base(store: Path) -> Path:
    return store / REPOSITORY


def test_a_branch_is_a_link_to_the_folder_of_its_commit(
    downloader: Downloader, store: Path, base: Path, model: Path, repository: HubRepository
):
    done = downloader.run("--store", str(store))
    assert done.code == 0, done.log
    assert done.result["path"] == f"{REPOSITORY}/revision-main"
    assert (base / "revision-main").readlink() == Path(repository.references["main"])
    compare(model, base / "revision-main")


def test_a_new_revision_arrives_beside_the_old_one_and_shares_what_did_not_change(
    downloader: Downloader, store: Path, base: Path, repository: HubRepository, hub: HubStandIn,
    model: Path, next_model: Path
):  # fmt: skip
    downloader.run("--store", str(store))
    old = repository.references["main"]
    hub.sent.clear()
    repository.publish(next_model)
    done = downloader.run("--store", str(store))
    assert done.code == 0, done.log
    compare(model, base / old)
    compare(next_model, base / "revision-main")
    assert LARGE[0] not in {sent.name for sent in hub.sent}, "the same bytes are there already"
    assert (base / old / LARGE[0]).samefile(base / "revision-main" / LARGE[0])


def test_the_link_stays_where_it_was_until_the_new_revision_is_complete(
    downloader: Downloader, store: Path, base: Path, repository: HubRepository, hub: HubStandIn,
    model: Path, next_model: Path
):  # fmt: skip
    downloader.run("--store", str(store))
    repository.publish(next_model)
    hub.faults.flip = {LARGE[1]: 100}
    assert downloader.run("--store", str(store)).code == 13
    compare(model, base / "revision-main")


def test_old_revisions_are_removed_only_when_asked_and_never_what_people_made(
    downloader: Downloader, store: Path, base: Path, repository: HubRepository, model: Path, tmp_path: Path
):
    commits = []
    for number in range(3):
        folder = tmp_path / f"commit-{number}"
        folder.mkdir()
        (folder / "config.json").write_text(f"{{'number': {number}}}")
        commits.append(repository.publish(folder))
        downloader.run("--store", str(store))
    (base / "notes.txt").write_text("mine")
    assert all((base / commit).is_dir() for commit in commits)
    done = downloader.run("--store", str(store), "--keep-revisions", "2")
    assert done.code == 0, done.log
    assert {path.name for path in base.iterdir()} == {commits[1], commits[2], "revision-main", "notes.txt"}


def test_fewer_than_two_revisions_cannot_be_kept(downloader: Downloader, store: Path):
    done = downloader.run("--store", str(store), "--keep-revisions", "1")
    assert done.code == 2
    assert "at least 2" in done.log


def test_a_hand_made_folder_is_adopted_by_verifying_it(
    downloader: Downloader, store: Path, base: Path, model: Path, hub: HubStandIn
):
    """The reference's way: the files of ``huggingface-cli download`` lie in ``/data/models/OWNER/NAME``."""
    base.mkdir(parents=True)
    for name in LARGE:
        os.link(model / name, base / name)
    (base / LARGE[1]).unlink()
    (base / LARGE[1]).write_bytes(b"?" * (model / LARGE[1]).stat().st_size)
    done = downloader.run("--store", str(store))
    assert done.code == 0, done.log
    assert LARGE[0] not in {sent.name for sent in hub.sent}
    assert f"{LARGE[1]}: has the right size and other content, so it is not adopted" in done.log
    assert (base / LARGE[1]).read_bytes()[:1] == b"?", "what people made stays"
    compare(model, base / "revision-main")


def test_what_lies_on_another_disk_is_copied(
    downloader: Downloader, store: Path, base: Path, model: Path, hub: HubStandIn, tmp_path: Path
):
    """Where no hard link can be made (here: the call is taken away), the verified file is copied."""
    patched = tmp_path / "no_links.py"
    patched.write_text(downloader.script.read_text().replace("os.link(", "os.no_such_call_link(").replace(
        "except OSError:  # another file system", "except AttributeError:  # another file system"))  # fmt: skip
    downloader.script = patched
    done = downloader.run("--store", str(store), "--adopt", str(model))
    assert done.code == 0, done.log
    assert hub.sent == [] or all(sent.end == sent.start for sent in hub.sent)
    assert not (base / "revision-main" / LARGE[0]).samefile(model / LARGE[0])
    compare(model, base / "revision-main")
