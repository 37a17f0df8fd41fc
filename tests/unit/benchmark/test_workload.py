import pytest

from qwen_infra.benchmark import WORKLOADS, Workload, build_workload
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
        ({"promts": 3}, "promts"),
        ({"length_spread": 1}, "length_spread"),
        ({"goodput": {"itl": 5}}, "goodput.itl"),
        ({"name": "../x"}, "name"),
    ],
)
def test_a_value_out_of_range_is_named(change, key):
    with pytest.raises(ConfigurationError, match=f"workload.{key}: "):
        build_workload({"preset": "smoke", **change})


def test_a_missing_value_is_named():
    with pytest.raises(ConfigurationError, match=r"workload.output_tokens: Field required"):
        build_workload({"input_tokens": 3, "num_prompts": 1})


def test_an_unknown_preset_names_the_known_ones():
    with pytest.raises(ConfigurationError, match="interactive, long-context, reference, smoke"):
        build_workload({"preset": "huge"})
    with pytest.raises(ConfigurationError, match="did you mean throughput"):
        build_workload({"preset": "troughput"})


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"turns": 2}, "turns needs api: chat"),
        ({"thinking": True}, "thinking needs api: chat"),
        ({"tools": "auto"}, "tools needs api: chat"),
        ({"prompts": "jsonl"}, "do not go together"),
        ({"dataset": "x.json"}, "do not go together"),
        ({"prefix_tokens": 64}, "leaves no token of the prompt's own"),
        ({"request_rate": 1, "rate_ramp": {"start": 1, "end": 2}}, "exclude each other"),
        ({"max_concurrency": None, "concurrency_ramp_s": 3}, "needs max_concurrency"),
    ],
)
def test_values_that_contradict_each_other_are_refused(change, problem):
    with pytest.raises(ConfigurationError, match=f"workload: .*{problem}"):
        build_workload({"preset": "smoke", **change})


def test_a_preset_whose_load_is_changed_loses_its_name():
    assert build_workload({"preset": "reference", "num_prompts": 3}).name == "reference-changed"
    assert build_workload({"preset": "reference", "num_prompts": 3, "name": "mine"}).name == "mine"


def test_the_seed_does_not_make_another_load():
    reference = WORKLOADS["reference"]
    assert reference.load_key() == reference.model_copy(update={"seed": 5, "repeats": 3}).load_key()
    assert reference.load_key() != WORKLOADS["smoke"].load_key()


def test_the_longest_context_of_a_conversation_holds_all_its_turns():
    agent = WORKLOADS["agent"]
    assert agent.longest_context == 6000 + 256 + 7 * (400 + 256)


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS)
def test_a_workload_survives_its_json(workload):
    assert Workload.model_validate_json(workload.model_dump_json()) == workload
