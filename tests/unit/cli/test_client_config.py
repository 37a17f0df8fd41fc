"""``qwen-infra client-config`` on the repository's own stack: addresses, files, and where the key may be."""

import json
import sys
from pathlib import Path

import pytest

from qwen_infra.cli import main as command_line
from qwen_infra.cli import served_models

ROOT = Path(__file__).parents[3]
SECRET = "the-key-itself"


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["qwen-infra", "client-config", *arguments])
    with pytest.raises(SystemExit) as stopped:
        command_line.main()
    code = stopped.value.code
    return code if isinstance(code, int) else 0


def test_the_settings_go_to_standard_output_and_the_notes_beside_them(monkeypatch, capsys):
    assert call(monkeypatch, "--stack", "gb200", "--for", "curl") == 0

    shown = capsys.readouterr()
    assert shown.out.startswith("curl --fail-with-body http://127.0.0.1:8000/v1/chat/completions")
    assert shown.err.startswith('note: export VLLM_API_KEY="$(kubectl --namespace qwen get secret')


def test_json_has_the_files_the_notes_and_the_context(monkeypatch, capsys):
    call(monkeypatch, "--stack", "gb200", "--for", "claude-code-router", "--json")

    document = json.loads(capsys.readouterr().out)
    assert document["models"] == [{"name": "qwen3.5", "url": "http://127.0.0.1:8000", "context_tokens": 262144}]
    assert document["files"][0]["path"] == ".claude-code-router/config.json"


def test_a_client_in_the_cluster_gets_the_service_s_name(monkeypatch, capsys):
    call(monkeypatch, "--stack", "gb200", "--for", "openai", "--in-cluster")

    assert 'base_url="http://vllm-qwen35-397b-service.qwen.svc:8000/v1"' in capsys.readouterr().out


def test_no_stack_is_needed_for_a_known_address(monkeypatch, capsys):
    assert call(monkeypatch, "--for", "openai", "--url", "https://qwen.example.com/v1", "--model", "m") == 0

    assert 'base_url="https://qwen.example.com/v1"' in capsys.readouterr().out


def test_neither_stack_nor_address_is_wrong_usage(monkeypatch, capsys):
    assert call(monkeypatch, "--for", "openai") == 2
    assert ", or --url URL with --model NAME" in capsys.readouterr().err


def test_the_key_is_read_only_when_asked_for_and_its_file_is_private(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(served_models, "read_key", lambda _: SECRET)

    call(monkeypatch, "--stack", "gb200", "--for", "claude-code", "--out", str(tmp_path / "without"))
    call(monkeypatch, "--stack", "gb200", "--for", "claude-code", "--out", str(tmp_path / "with"), "--show-key")

    without, with_key = (tmp_path / name / ".claude/settings.json" for name in ("without", "with"))
    assert SECRET not in without.read_text("utf-8")
    assert SECRET in with_key.read_text("utf-8")
    assert with_key.stat().st_mode & 0o777 == 0o600
    assert SECRET not in capsys.readouterr().err


def test_a_file_of_the_user_is_not_written_over(monkeypatch, tmp_path, capsys):
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude/settings.json").write_text("{}", "utf-8")

    assert call(monkeypatch, "--stack", "gb200", "--for", "claude-code", "--out", str(tmp_path)) == 2

    assert "this file is there already" in capsys.readouterr().err
    assert (tmp_path / ".claude/settings.json").read_text("utf-8") == "{}"
