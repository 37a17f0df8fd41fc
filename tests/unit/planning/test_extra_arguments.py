"""``extraArgs``: more flags, but none that another key decides."""

import pytest

from qwen_infra.errors import ConfigurationError
from qwen_infra.planning.extra_arguments import read_extra_arguments


def refusal(*lines: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read_extra_arguments(lines)
    return str(caught.value)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("--tensor-parallel-size 8", "server.tensorParallelSize"),
        ("--tensor_parallel_size=8", "server.tensorParallelSize"),
        ("-tp 8", "server.tensorParallelSize"),
        ("--port 9000", "endpoint.port"),
        ("--no-enable-prefix-caching", "server.prefixCaching"),
        ("--max-model-len 1k", "server.maxModelLen"),
        ("--hf-overrides.text_config.x 1", "server.longContext"),
        ("--speculative-config '{}'", "server.mtpTokens"),
        ("--shutdown-timeout 0", "server.longestAnswerTokens"),
    ],
)
def test_a_flag_of_another_key_is_refused_with_that_key(line: str, key: str) -> None:
    told = refusal(line)
    assert told.startswith("qwen-infra:server.extraArgs: ")
    assert f"is decided by qwen-infra:{key}" in told


def test_a_flag_of_the_program_is_refused() -> None:
    assert "--host is set by qwen-infra itself" in refusal("--host ::")


def test_another_model_is_refused() -> None:
    assert "qwen-infra:model.name" in refusal("--model Qwen/Qwen3-0.6B")


def test_a_configuration_file_is_refused() -> None:
    assert "nobody would see it" in refusal("--config /etc/vllm.yaml")


def test_an_open_quotation_is_told() -> None:
    assert "this is no command line: no closing quotation" in refusal("--x 'y")
