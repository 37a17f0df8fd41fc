"""Who may work in a folder."""

import json
import os
import threading
import time
from pathlib import Path

import pytest

from qwen_infra.download import DownloadError, DownloadOrder, Exit, ownership, run_download
from qwen_infra.download.ownership import own_folder
from qwen_infra.download.progress import choose_reporter

NEVER = threading.Event()


def sign_as_another_machine(work: Path, age_s: float) -> None:
    work.mkdir()
    (work / "owner.json").write_text(json.dumps({"host": "other", "pid": 7, "kernel": "another"}))
    moment = time.time() - age_s
    os.utime(work / "owner.json", (moment, moment))


def test_a_dead_owner_of_this_machine_is_replaced_at_once(tmp_path: Path):
    with own_folder(tmp_path, lambda _: None, NEVER):
        left = (tmp_path / "owner.json").read_text()
    (tmp_path / "owner.json").write_text(left)
    with own_folder(tmp_path, lambda text: (_ for _ in ()).throw(AssertionError(text)), NEVER):
        pass


def test_an_owner_on_another_machine_is_respected_while_it_signs(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(ownership, "STALE_AFTER_S", 1.0)
    work = tmp_path / "work"
    sign_as_another_machine(work, age_s=0)
    told: list[str] = []
    with own_folder(work, told.append, NEVER):
        assert told[0].startswith("waiting: process 7 on other downloads into this folder")


def test_an_owner_on_another_machine_that_stopped_signing_is_replaced(tmp_path: Path):
    work = tmp_path / "work"
    sign_as_another_machine(work, age_s=ownership.STALE_AFTER_S + 1)
    told: list[str] = []
    with own_folder(work, told.append, NEVER):
        assert told == []


def test_a_download_that_waits_for_another_one_can_be_stopped(tmp_path: Path):
    sign_as_another_machine(tmp_path / ".qwen-infra", age_s=0)
    stop = threading.Event()
    stop.set()
    order = DownloadOrder("Qwen/x", "a" * 40, target=tmp_path)
    with pytest.raises(DownloadError, match="stopped; run it again") as caught:
        run_download(order, choose_reporter("none"), stop)
    assert caught.value.exit_code is Exit.TERMINATED


def test_a_download_that_waits_for_the_hub_can_be_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    stop = threading.Event()
    stop.set()
    order = DownloadOrder("Qwen/x", "main", target=tmp_path)
    with pytest.raises(DownloadError, match="stopped; run it again") as caught:
        run_download(order, choose_reporter("none"), stop)
    assert caught.value.exit_code is Exit.TERMINATED
