"""What would fit instead: nearest first, as changes of the stack file, and each of them really fits."""

import pytest

from qwen_infra.catalog import find_gpu, find_model
from qwen_infra.sizing import (
    FitRequest,
    describe_misfit,
    find_minimum_tensor_parallel_size,
    find_remedies,
    fit_model,
)

CASES = {
    "27B-on-L40S": FitRequest(find_model("Qwen3.5-27B"), "bf16", find_gpu("L40S")),
    "27B-FP8-on-L40S": FitRequest(find_model("Qwen3.5-27B"), "fp8", find_gpu("L40S")),
    "122B-on-H100": FitRequest(find_model("Qwen3.5-122B-A10B"), "gptq-int4", find_gpu("H100")),
    "397B-on-GB200": FitRequest(find_model("Qwen3.5-397B-A17B"), "fp8", find_gpu("GB200"), tensor_parallel_size=2),
    "too-many-sequences": FitRequest(find_model("Qwen3.5-27B"), "bf16", find_gpu("H100"), max_num_seqs=1024),
}


def settings_of(name):
    return [dict(remedy.settings) for remedy in find_remedies(CASES[name])]


@pytest.mark.parametrize("request_", CASES.values(), ids=CASES)
def test_every_remedy_fits(request_):
    remedies = find_remedies(request_)
    assert remedies
    assert all(remedy.fit.fits for remedy in remedies)


def test_a_configuration_that_fits_needs_no_remedy():
    assert find_remedies(FitRequest(find_model("Qwen3.5-4B"), "bf16", find_gpu("H200"))) == ()


def test_more_gpus_are_offered():
    assert {"qwen-infra:server.tensorParallelSize": "2"} in settings_of("27B-on-L40S")


def test_a_shorter_context_is_offered_in_steps_of_1024():
    (change,) = [found for found in settings_of("27B-FP8-on-L40S") if list(found) == ["qwen-infra:server.maxModelLen"]]
    assert int(change["qwen-infra:server.maxModelLen"]) % 1024 == 0


def test_another_precision_is_offered_with_a_shorter_context_where_it_needs_one():
    assert any(
        {"qwen-infra:model.precision", "qwen-infra:server.maxModelLen"} == set(found)
        for found in settings_of("27B-on-L40S")
    )


def test_another_precision_is_offered_alone_where_that_suffices():
    assert {"qwen-infra:model.precision": "gptq-int4"} in settings_of("397B-on-GB200")


def test_fewer_sequences_are_offered():
    assert any("qwen-infra:server.maxNumSeqs" in found for found in settings_of("too-many-sequences"))


def test_a_remedy_is_a_command_for_the_stack_file():
    commands = [command for remedy in find_remedies(CASES["27B-on-L40S"]) for command in remedy.commands]
    assert "pulumi config set --path qwen-infra:server.tensorParallelSize 2" in commands


def test_the_description_names_the_configuration_the_reason_and_the_remedies():
    text = describe_misfit(fit_model(CASES["27B-on-L40S"]))
    assert "Qwen3.5-27B bf16 does not fit on 1 x L40S" in text
    assert "leave no room" in text
    assert "tensorParallelSize 2" in text


def test_where_nothing_helps_the_description_points_to_recommend():
    hopeless = FitRequest(find_model("Qwen3.5-397B-A17B"), "bf16", find_gpu("L4"))
    assert "qwen-infra recommend" in describe_misfit(fit_model(hopeless))


@pytest.mark.parametrize(("name", "size"), [("27B-on-L40S", 2), ("122B-on-H100", 2), ("397B-on-GB200", 4)])
def test_the_minimum_tensor_parallel_size_is_the_smallest_that_fits(name, size):
    assert find_minimum_tensor_parallel_size(CASES[name]) == size


def test_there_is_no_minimum_where_no_size_fits():
    request = FitRequest(find_model("Qwen3.5-397B-A17B"), "bf16", find_gpu("L4"))
    assert find_minimum_tensor_parallel_size(request) is None
