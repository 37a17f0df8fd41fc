"""What of a pod's ``vllm serve`` command reaches the server on this machine."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_infra.local.translate import (
    Launch,
    VllmPaths,
    parse_command,
    parse_length,
    translate_for_simulator,
    translate_for_vllm,
)

REFERENCE = [
    *("vllm", "serve", "/Qwen3.5-397B-A17B-GPTQ-Int4", "--served-model-name", "qwen3.5", "--host", "0.0.0.0"),
    *("--port", "8000", "--tensor-parallel-size", "4", "--gpu-memory-utilization", "0.85"),
    *("--max-model-len", "262144", "--reasoning-parser", "qwen3", "--enable-auto-tool-choice"),
    *("--tool-call-parser", "qwen3_coder", "--enable-prefix-caching", "--quantization", "moe_wna16"),
]


def for_vllm(*flags: str, **environment: str) -> Launch:
    command = parse_command(["vllm", "serve", "/models/m", *flags])
    return translate_for_vllm(command, environment, VllmPaths(Path("/miniature"), 18000))


def for_simulator(*flags: str, **environment: str) -> Launch:
    return translate_for_simulator(parse_command(["vllm", "serve", "/models/m", *flags]), environment, 18000)


def value_of(launch: Launch, flag: str) -> str:
    return launch.arguments[launch.arguments.index(flag) + 1]


def test_the_reference_command_becomes_one_that_a_cpu_can_run():
    launch = translate_for_vllm(parse_command(REFERENCE), {}, VllmPaths(Path("/miniature"), 18000))
    assert launch.arguments == (
        *("serve", "/miniature", "--host", "127.0.0.1", "--port", "18000", "--served-model-name", "qwen3.5"),
        *("--max-model-len", "16384", "--reasoning-parser", "qwen3", "--enable-auto-tool-choice"),
        *("--tool-call-parser", "qwen3_coder", "--enable-prefix-caching", "--max-num-seqs", "32"),
        *("--language-model-only", "--enforce-eager"),
    )


def test_the_dropped_flags_are_named():
    launch = translate_for_vllm(parse_command(REFERENCE), {}, VllmPaths(Path("/miniature"), 18000))
    assert any("--tensor-parallel-size 4" in note and "--quantization moe_wna16" in note for note in launch.notes)


def test_the_notes_say_that_the_hardware_is_simulated():
    assert "simulated hardware" in for_vllm().notes[0]


@pytest.mark.parametrize(
    "flags",
    [
        ("-tp", "4"),
        ("-tp=4",),
        ("--tensor_parallel_size", "4"),
        ("--quantization=gptq",),
        ("--no-enable-expert-parallel",),
        ("--compilation-config.level", "3"),
        ("--speculative-config", '{"method": "mtp"}'),
    ],
)
def test_flags_of_the_real_machine_are_dropped_however_they_are_written(flags: tuple[str, ...]):
    assert for_vllm(*flags).arguments == for_vllm().arguments


@pytest.mark.parametrize(
    "flags",
    [
        ("--no-enable-prefix-caching",),
        ("--default-chat-template-kwargs", '{"enable_thinking": false}'),
        ("--served-model-name", "a", "b"),
        ("--shutdown-timeout", "30"),
        ("--a-typing-mistake", "1"),
    ],
)
def test_other_flags_reach_vllm_as_written_so_that_it_judges_them(flags: tuple[str, ...]):
    arguments = for_vllm(*flags).arguments
    start = arguments.index(flags[0])
    assert arguments[start : start + len(flags)] == flags


@pytest.mark.parametrize(("given_", "passed"), [("262144", "16384"), ("auto", "16384"), ("-1", "16384"), ("4k", "4k")])
def test_the_context_is_capped(given_: str, passed: str):
    assert value_of(for_vllm("--max-model-len", given_), "--max-model-len") == passed


def test_the_number_of_sequences_is_capped():
    assert value_of(for_vllm("--max-num-seqs", "128"), "--max-num-seqs") == "32"


def test_a_small_number_of_sequences_stays():
    assert value_of(for_vllm("--max-num-seqs", "4"), "--max-num-seqs") == "4"


def test_the_key_stays_in_the_environment():
    assert for_vllm(VLLM_API_KEY="sk-a").environment["VLLM_API_KEY"] == "sk-a"


def test_variables_of_the_real_machine_are_dropped_and_named_without_their_values():
    launch = for_vllm(NCCL_SOCKET_IFNAME="secret-network")
    assert "NCCL_SOCKET_IFNAME" not in launch.environment
    assert any("NCCL_SOCKET_IFNAME" in note for note in launch.notes)
    assert not any("secret-network" in note for note in launch.notes)


def test_keys_are_not_shown_in_the_description():
    shown = for_vllm("--api-key", "sk-a", "sk-b").describe()
    assert "--api-key *** ***" in shown
    assert "sk-" not in shown


def test_the_model_may_be_given_as_a_flag():
    command = parse_command(["vllm", "serve", "--model", "/models/m", "--port", "1"])
    assert (command.model, command.last("port")) == ("/models/m", ("1",))


def test_a_command_without_a_model_has_none():
    assert parse_command(["vllm", "serve"]).model is None


def test_the_simulator_gets_what_a_client_can_see():
    launch = for_simulator("--served-model-name", "qwen3.5", "--max-model-len", "32K", "--tensor-parallel-size", "4")
    assert launch.arguments == (
        *("--host", "127.0.0.1", "--port", "18000", "--model", "/models/m", "--served-model-name", "qwen3.5"),
        *("--max-model-len", "32768"),
    )


def test_the_simulator_serves_the_model_path_when_no_name_is_given():
    assert value_of(for_simulator(), "--served-model-name") == "/models/m"


def test_the_simulator_gets_a_key_of_the_command_line_by_its_environment():
    launch = for_simulator("--api-key", "sk-a")
    assert launch.environment["VLLM_API_KEY"] == "sk-a"
    assert "sk-a" not in launch.arguments


def test_the_simulator_keeps_thinking_switched_off():
    launch = for_simulator("--default-chat-template-kwargs", '{"enable_thinking": false}')
    assert value_of(launch, "--default-chat-template-kwargs") == '{"enable_thinking": false}'


@pytest.mark.parametrize(
    ("text", "tokens"), [("262144", 262144), ("32k", 32000), ("32K", 32768), ("1.5k", 1500), ("auto", None)]
)
def test_lengths_are_read_as_vllm_reads_them(text: str, tokens: int | None):
    assert parse_length(text) == tokens


@given(st.lists(st.text(min_size=1)))
def test_any_command_can_be_taken_apart(words: list[str]):
    parse_command(["vllm", "serve", *words])


@given(st.integers(1, 10**7))
def test_no_context_passes_the_cap(length: int):
    assert int(value_of(for_vllm("--max-model-len", str(length)), "--max-model-len")) <= 16384
