"""Which server the demo runs when nobody says."""

import pytest

from qwen_infra import local
from qwen_infra.demo.run import _choose_server


def test_the_default_is_real_vllm_where_it_installs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "has_vllm_wheels", lambda: True)
    assert _choose_server("auto", lambda _: None) == "vllm"


def test_elsewhere_the_simulator_answers_and_the_demo_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(local, "has_vllm_wheels", lambda: False)
    assert _choose_server("auto", said.append) == "simulator"
    assert "the simulator answers instead" in said[0]


def test_a_slow_processor_is_told_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(local, "reads_prompts_slowly", lambda: True)
    _choose_server("vllm", said.append)
    assert "about seven minutes" in said[0]
