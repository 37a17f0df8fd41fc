"""Questions that make no sense: one message each, with the key, the finding and the command that mends it."""

from typing import Any

import pytest

from qwen_infra.catalog import UnknownPrecisionError, find_gpu, find_model
from qwen_infra.errors import ConfigurationError
from qwen_infra.sizing import (
    ContextTooLongError,
    FitRequest,
    InvalidNumberError,
    InvalidParallelismError,
    UnsupportedPrecisionError,
    fit_model,
)
from qwen_infra.sizing.request import default_max_num_batched_tokens, default_max_num_seqs


def ask(**changes):
    request: dict[str, Any] = {
        "model": find_model("Qwen3.5-27B"),
        "precision": "fp8",
        "gpu": find_gpu("H200"),
    } | changes
    return fit_model(FitRequest(**request))


@pytest.mark.parametrize(
    ("changes", "error", "key"),
    [
        ({"precision": "nvfp4"}, UnknownPrecisionError, "qwen-infra:model.precision"),
        (
            {"model": find_model("Qwen3.5-397B-A17B"), "precision": "nvfp4"},
            UnsupportedPrecisionError,
            "qwen-infra:model.precision",
        ),
        ({"tensor_parallel_size": 16}, InvalidParallelismError, "qwen-infra:server.tensorParallelSize"),
        ({"tensor_parallel_size": 3}, InvalidParallelismError, "qwen-infra:server.tensorParallelSize"),
        ({"tensor_parallel_size": 0}, InvalidNumberError, "qwen-infra:server.tensorParallelSize"),
        ({"pipeline_parallel_size": -1}, InvalidNumberError, "qwen-infra:server.pipelineParallelSize"),
        ({"pipeline_parallel_size": 65}, InvalidParallelismError, "qwen-infra:server.pipelineParallelSize"),
        ({"data_parallel_size": 0}, InvalidNumberError, "qwen-infra:server.dataParallelSize"),
        ({"max_model_len": 0}, InvalidNumberError, "qwen-infra:server.maxModelLen"),
        ({"max_model_len": -5}, InvalidNumberError, "qwen-infra:server.maxModelLen"),
        ({"max_model_len": 262145}, ContextTooLongError, "qwen-infra:server.maxModelLen"),
        ({"max_model_len": 2_000_000, "long_context": True}, ContextTooLongError, "qwen-infra:server.maxModelLen"),
        ({"max_num_seqs": 0}, InvalidNumberError, "qwen-infra:server.maxNumSeqs"),
        ({"max_num_batched_tokens": -1}, InvalidNumberError, "qwen-infra:server.maxNumBatchedTokens"),
        ({"block_size": 0}, InvalidNumberError, "qwen-infra:server.blockSize"),
        ({"mtp_tokens": -1}, InvalidNumberError, "qwen-infra:server.mtpTokens"),
        ({"gpu_memory_utilization": 0.0}, InvalidNumberError, "qwen-infra:server.gpuMemoryUtilization"),
        ({"gpu_memory_utilization": 1.01}, InvalidNumberError, "qwen-infra:server.gpuMemoryUtilization"),
        ({"gpu_memory_utilization": float("nan")}, InvalidNumberError, "qwen-infra:server.gpuMemoryUtilization"),
    ],
)
def test_a_question_without_sense_is_refused_with_its_key_and_exit_code_two(changes, error, key):
    with pytest.raises(error) as caught:
        ask(**changes)
    assert isinstance(caught.value, ConfigurationError)
    assert (caught.value.where, caught.value.exit_code) == (key, 2)
    assert "\n" not in str(caught.value)


def test_a_size_that_does_not_divide_names_the_valid_ones_and_the_nearest():
    with pytest.raises(InvalidParallelismError, match="expected 1 or 2 or 4 or 8") as caught:
        ask(tensor_parallel_size=16)
    assert caught.value.mend == "pulumi config set --path qwen-infra:server.tensorParallelSize 8"


def test_a_precision_that_the_gpu_cannot_run_names_those_that_it_can():
    with pytest.raises(UnsupportedPrecisionError, match="a H200 cannot run nvfp4") as caught:
        ask(model=find_model("Qwen3.5-397B-A17B"), precision="nvfp4")
    assert caught.value.expected == "bf16 or fp8 or gptq-int4"


def test_a_context_above_the_native_one_is_refused_with_the_setting_that_allows_it():
    with pytest.raises(ContextTooLongError, match="or 1010000 with the long-context setting") as caught:
        ask(max_model_len=500_000)
    assert caught.value.mend == "pulumi config set --path qwen-infra:server.longContext true"


def test_a_context_above_the_extended_one_is_refused_with_the_native_one_as_remedy():
    with pytest.raises(ContextTooLongError, match="at most 1010000") as caught:
        ask(max_model_len=2_000_000, long_context=True)
    assert caught.value.mend == "pulumi config set --path qwen-infra:server.maxModelLen 262144"


@pytest.mark.parametrize(
    ("gpu", "tokens", "sequences"),
    [
        ("GB200", 16384, 1024),
        ("H200", 8192, 1024),
        ("A100-80GB", 2048, 256),
        ("L4", 2048, 256),
        ("MI355X", 16384, 1024),
    ],
)
def test_defaults_of_the_server_follow_the_gpu(gpu, tokens, sequences):
    found = find_gpu(gpu)
    assert (default_max_num_batched_tokens(found), default_max_num_seqs(found)) == (tokens, sequences)
