"""``qwen-infra init`` writes a stack file that the settings take."""

import io
import json
import sys
from pathlib import Path

import pytest

from qwen_infra.cli import main as command_line
from qwen_infra.planning import make_plans
from qwen_infra.settings import load_stack_deployments

QUICK = ["--gpu", "H100", "--gpus", "8", "--for", "coding"]


class Person(io.StringIO):
    def isatty(self) -> bool:
        return True


def call(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str, typed: io.StringIO | None = None) -> int:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "stdin", typed or io.StringIO(""))
    monkeypatch.setattr(sys, "argv", ["qwen-infra", "init", *arguments])
    with pytest.raises(SystemExit) as stopped:
        command_line.main()
    code = stopped.value.code
    return code if isinstance(code, int) else 0


def test_flags_write_a_file_that_plans(monkeypatch, tmp_path, capsys):
    assert call(monkeypatch, tmp_path, "mine", *QUICK, "--namespace", "team", "--json") == 0

    [plan] = make_plans(load_stack_deployments(tmp_path, "mine"), "mine")
    told = json.loads(capsys.readouterr().out)
    assert (told["file"], told["model"]) == ("Pulumi.mine.yaml", plan.model_name)
    assert (plan.server.gpu.name, plan.cluster.namespace) == ("H100", "team")


def test_a_person_is_asked_and_may_take_the_defaults(monkeypatch, tmp_path, capsys):
    assert call(monkeypatch, tmp_path, typed=Person("\n\n4\ngeneral\n")) == 0

    [plan] = make_plans(load_stack_deployments(tmp_path, "mine"), "mine")
    assert plan.server.gpu.name == "GB200"
    assert "next: qwen-infra doctor --stack mine" in capsys.readouterr().err


def test_nobody_to_ask_names_the_flag(monkeypatch, tmp_path, capsys):
    assert call(monkeypatch, tmp_path, "mine") == 2
    assert capsys.readouterr().err.startswith("error: --gpu: this is required where nobody can be asked")


def test_an_existing_stack_file_is_kept(monkeypatch, tmp_path, capsys):
    (tmp_path / "Pulumi.mine.yaml").write_text("mine", "utf-8")

    assert call(monkeypatch, tmp_path, "mine", *QUICK) == 2
    assert (tmp_path / "Pulumi.mine.yaml").read_text("utf-8") == "mine"


def test_nothing_that_fits_is_told_and_nothing_is_written(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("qwen_infra.sizing.recommend", lambda _: ())

    assert call(monkeypatch, tmp_path, "mine", *QUICK) == 1
    assert "no model of the catalogue fits" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
