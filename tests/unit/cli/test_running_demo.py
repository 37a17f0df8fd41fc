"""Commands in the folder of a running demo find it by themselves."""

import os
from pathlib import Path

import pytest

from qwen_infra.cli.running_demo import enter_demo

ENV = (
    "# comment\nexport KUBECONFIG='/a folder/kubeconfig'\nexport PATH=/demo/bin:/usr/bin\nexport PATH=\"/venv:$PATH\"\n"
)


def test_the_demo_of_the_folder_is_found_with_its_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KUBECONFIG", "/mine")
    monkeypatch.setenv("PATH", "/usr/bin")
    (tmp_path / ".demo").mkdir()
    (tmp_path / ".demo" / "env").write_text(ENV, "utf-8")

    assert enter_demo(tmp_path) == "gb200"
    assert os.environ["KUBECONFIG"] == "/a folder/kubeconfig"
    assert os.environ["PATH"] == "/demo/bin:/usr/bin"


def test_without_a_demo_nothing_is_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KUBECONFIG", "/mine")

    assert enter_demo(tmp_path) is None
    assert os.environ["KUBECONFIG"] == "/mine"
