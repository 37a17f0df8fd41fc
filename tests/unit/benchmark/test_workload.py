import pytest

from qwen_infra.benchmark import WORKLOADS, build_workload
from qwen_infra.errors import ConfigurationError


def test_the_reference_workload_is_the_references():
    reference = WORKLOADS["reference"]
    assert (reference.input_tokens, reference.output_tokens, reference.num_prompts) == (8000, 1024, 32)
    assert (reference.request_rate, reference.max_concurrency, reference.burstiness) == (10.0, None, 1.0)
    assert (reference.ignore_eos, reference.seed) == (True, 0)


def test_every_preset_is_stored_under_its_name():
    assert all(workload.name == name for name, workload in WORKLOADS.items())


def test_a_preset_can_be_changed_in_part():
    changed = build_workload({"preset": "reference", "seed": 7})
    assert changed == WORKLOADS["reference"].model_copy(update={"seed": 7})


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"num_prompts": 0}, "num_prompts"),
        ({"request_rate": 0}, "request_rate"),
        ({"request_rate": float("inf")}, "request_rate"),
        ({"max_concurrency": 0}, "max_concurrency"),
        ({"burstiness": -1}, "burstiness"),
        ({"input_tokens": "many"}, "input_tokens"),
        ({"prompts": 3}, "prompts"),
    ],
)
def test_a_value_out_of_range_is_named(change, key):
    with pytest.raises(ConfigurationError, match=f"workload.{key}: "):
        build_workload({"preset": "smoke", **change})


def test_a_missing_value_is_named():
    with pytest.raises(ConfigurationError, match=r"workload.output_tokens: Field required"):
        build_workload({"input_tokens": 3, "num_prompts": 1})


def test_an_unknown_preset_names_the_known_ones():
    with pytest.raises(ConfigurationError, match="reference, smoke"):
        build_workload({"preset": "huge"})
