"""A simulated node asks a stand-in for the Hub, and says what it changed."""

import os

import pytest

from qwen_infra.local.translate_download import translate_download

STAND_IN = "http://127.0.0.1:4711"
WORDS = ("/opt/download.py", "Qwen/Qwen3.5-4B", "--kernels", "/models/k", "--kernels-owner", "2000")


@pytest.mark.parametrize("environment", [{}, {"HF_ENDPOINT": "https://mirror.example"}])
def test_neither_the_real_hub_nor_a_mirror_is_asked(environment: dict[str, str]) -> None:
    launch = translate_download(WORDS, environment, STAND_IN)
    asked = environment.get("HF_ENDPOINT", "https://huggingface.co")
    assert launch.environment["HF_ENDPOINT"] == STAND_IN
    assert f"{STAND_IN} instead of {asked}" in launch.notes[0]


@pytest.mark.parametrize("own", ["http://127.0.0.1:9", "http://localhost:9", "http://[::1]:9"])
def test_a_stand_in_of_the_stacks_own_is_asked(own: str) -> None:
    assert translate_download(WORDS, {"HF_ENDPOINT": own}, STAND_IN).environment["HF_ENDPOINT"] == own


def test_proxies_of_the_real_cluster_are_dropped_and_named() -> None:
    launch = translate_download(WORDS, {"HTTPS_PROXY": "http://proxy:3128", "HF_TOKEN": "t"}, STAND_IN)
    assert "HTTPS_PROXY" not in launch.environment
    assert launch.environment["HF_TOKEN"] == "t"
    assert any("HTTPS_PROXY" in note for note in launch.notes)


def test_this_user_plays_the_servers() -> None:
    launch = translate_download(WORDS, {}, STAND_IN)
    assert launch.arguments == (*WORDS[:-1], str(os.getuid()))
    assert any("plays user 2000" in note for note in launch.notes)
