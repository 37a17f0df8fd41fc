"""What can be no repository, revision, Hub or image is refused before anybody is asked: these tests have no network."""

import pytest

from qwen_infra.registry.reference import parse_reference
from tests.unit.cli.conftest import Typed

REPOSITORY = "Qwen/Qwen3.5-0.8B"


@pytest.mark.parametrize(
    "given", ["Qwen3.5-0.8B", "qwen3.5-0.8b", "https://huggingface.co/Qwen/Qwen3.5-0.8B", "Qwen/Qwen3.5-0.8B/", "a b/c"]
)
def test_a_name_that_is_no_repository_is_refused_with_the_nearest(run: Typed, given: str):
    code, _, shown = run("download", given, "--to", "weights")

    assert code == 2
    assert shown.startswith("error: OWNER/NAME: this is no repository of the Hub\n")
    if given != "a b/c":
        assert f"mend:     qwen-infra download {REPOSITORY} --to Qwen3.5-0.8B" in shown


@pytest.mark.parametrize("revision", ["", "a b", "v1..v2", "main~1", "-x", "heads/"])
@pytest.mark.parametrize(
    "words", [("download", REPOSITORY, "--to", "weights"), ("model", "pin", "--stack", "mine")], ids=["download", "pin"]
)
def test_what_no_revision_is_called_is_refused(run: Typed, words: tuple[str, ...], revision: str):
    code, _, shown = run(*words, f"--revision={revision}")

    assert code == 2
    assert shown.startswith("error: --revision: this names no revision\n")


@pytest.mark.parametrize(
    "words", [("download", REPOSITORY, "--to", "weights"), ("model", "pin", "--stack", "mine")], ids=["download", "pin"]
)
def test_a_hub_without_a_scheme_is_refused_with_the_address_meant(run: Typed, monkeypatch, words: tuple[str, ...]):
    monkeypatch.setenv("HF_ENDPOINT", "hf.example.com")

    code, _, shown = run(*words)

    assert code == 2
    assert shown.startswith("error: HF_ENDPOINT: this is no address of a Hub\n")
    assert "mend:     export HF_ENDPOINT=https://hf.example.com\n" in shown


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("https://hub.docker.com/r/vllm/vllm-openai", "vllm/vllm-openai:TAG"),
        ("VLLM/vllm-openai:v0.32.0", "vllm/vllm-openai:v0.32.0"),
        ("vllm/vllm-openai@sha256:12", "vllm/vllm-openai:TAG"),
        ("vllm/vllm-openai:", "vllm/vllm-openai:TAG"),
        ("", "vllm/vllm-openai:v0.32.0"),
    ],
)
def test_what_is_no_image_is_refused_with_the_one_meant(run: Typed, given: str, meant: str):
    code, _, shown = run("image", "pin", given)

    assert code == 2
    assert shown.startswith("error: IMAGE: this is no image reference\n")
    assert f"mend:     qwen-infra image pin {meant}\n" in shown
    parse_reference(meant)
