"""A command line against the snapshot of vLLM's flags."""

import pytest

from qwen_infra.errors import ConfigurationError
from qwen_infra.vllm_flags import REMOVED_FLAGS, check_command_line, load_flags


def check(line: str) -> None:
    check_command_line(line.split(), where="qwen-infra:server.extraArgs")


def refusal(line: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        check(line)
    return str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "--seed 7",
        "--seed=-1",
        "--max_num_seqs 8",
        "-tp 4",
        "-O3",
        "-O 2",
        "--no-enable-prefix-caching",
        "--max-model-len 32k",
        "--max-model-len auto",
        "--max-num-batched-tokens 8K",
        "--moe-backend Flashinfer-Cutlass",
        "--compilation-config.mode 3",
        '--speculative-config {"method":"mtp"}',
        "--served-model-name a b c",
        "--revision None",
        "--uvicorn-log-level=info",
    ],
)
def test_what_vllm_accepts_is_accepted(line: str) -> None:
    check(line)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("--tensor-paralel-size 4", "vLLM 0.32.0 has no such flag, did you mean --tensor-parallel-size?"),
        ("--max-num-seq 4", "did you mean --max-num-seqs?"),
        ("--kv-cache-dtype fp9", "--kv-cache-dtype does not take this value, did you mean fp8?"),
        ("--seed many", "--seed does not take this value (found many, expected an integer)"),
        ("--max-num-batched-tokens 8.5K", "expected an integer such as 8192 or 8k"),
        ("--seed", "--seed needs a value"),
        ("--seed 1 2", "--seed takes one value (found 1 2)"),
        ("--enforce-eager true", "--enforce-eager takes no value (found true)"),
        ("--seed=1 2", "--seed has a value already"),
        ("--speculative-config mtp", "expected JSON"),
        ("--seed.x 1", "--seed takes no keys"),
        ("Qwen/Qwen3-0.6B", "this word belongs to no flag"),
        ("--zzzzzzzz", "look it up with `vllm serve --help=all`"),
    ],
)
def test_what_vllm_refuses_is_refused_with_what_was_meant(line: str, told: str) -> None:
    assert told in refusal(line)


@pytest.mark.parametrize("flag", REMOVED_FLAGS)
def test_a_removed_flag_is_refused_with_what_took_its_place(flag: str) -> None:
    told = refusal(f"{flag} 1")
    assert f"vLLM 0.32.0 has no {flag} any more" in told
    assert REMOVED_FLAGS[flag] in told


def test_every_flag_knows_what_its_values_are() -> None:
    assert all((flag.words == "none") == (flag.type is None) for flag in load_flags().values())
