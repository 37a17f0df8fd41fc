"""``qwen-infra recommend``: the ranking, the stack file that it writes, and one message for each mistake."""

import json
from functools import partial

import pytest
import yaml

from qwen_infra.catalog import find_gpu, gpus
from qwen_infra.planning import make_plan
from qwen_infra.planning.stack_file import build_stack_file
from qwen_infra.settings import load_settings, load_stack_file
from qwen_infra.sizing import PURPOSES, RecommendRequest, recommend
from tests.unit.cli.conftest import Typed

DESIGN_KEYS = {
    "model",
    "precision",
    "repository",
    "tensor_parallel_size",
    "max_model_len",
    "max_concurrency",
    "scores",
}


@pytest.fixture
def run(typed: Typed) -> Typed:
    return partial(typed, "recommend")


def test_the_reference_machine_is_told_the_best_agent_first_with_its_stack_file(run):
    code, shown, _ = run("--gpu", "gb200", "--gpus", "4", "--for", "agent")
    assert code == 0
    assert shown.index("Qwen3.5-35B-A3B") < shown.index("Qwen3.5-122B-A10B")
    assert "BFCL v4 %" in shown
    assert "qwen-infra:server:" in shown
    assert all(len(line) <= 100 for line in shown.splitlines())


def test_json_has_the_keys_that_other_programs_rely_on_best_first(run):
    code, shown, _ = run("--gpu", "gb200", "--gpus", "4", "--for", "chinese", "--json")
    choices = json.loads(shown)["choices"]
    assert code == 0
    assert all(choice.keys() >= DESIGN_KEYS for choice in choices)
    assert choices[0]["model"] == "Qwen3.5-397B-A17B"


def test_a_price_gives_the_cost_of_a_million_tokens(run):
    _, shown, _ = run("--gpu", "H100", "--gpus", "8", "--price-per-gpu-hour", "2.5", "--json")
    assert all(choice["cost_per_million_tokens"] > 0 for choice in json.loads(shown)["choices"])
    _, shown, _ = run("--gpu", "H100", "--gpus", "8", "--price-per-gpu-hour", "2.5")
    assert "per M" in shown


def test_the_written_stack_file_is_a_plan_of_the_choice(run, tmp_path):
    path = tmp_path / "Pulumi.agent.yaml"
    code, shown, told = run("--gpu", "gb200", "--gpus", "4", "--for", "agent", "--stack-file", str(path))
    plan = make_plan(load_stack_file(tmp_path, "agent"))
    assert code == 0
    assert told == f"wrote {path}\n"
    assert "config:" not in shown
    assert plan.model_name == "Qwen3.5-35B-A3B"
    assert plan.fit.fits


def test_another_choice_can_be_written(run, tmp_path):
    path = tmp_path / "Pulumi.second.yaml"
    run("--gpu", "gb200", "--gpus", "4", "--for", "agent", "--choice", "2", "--stack-file", str(path))
    assert make_plan(load_stack_file(tmp_path, "second")).model_name == "Qwen3.5-122B-A10B"


def test_a_stack_file_that_exists_is_kept_unless_forced(run, tmp_path):
    path = tmp_path / "Pulumi.mine.yaml"
    path.write_text("precious")
    code, shown, error = run("--gpu", "H100", "--gpus", "1", "--stack-file", str(path))
    assert (code, shown) == (2, "")
    assert "mend:     add --force to replace it" in error
    assert path.read_text() == "precious"
    assert run("--gpu", "H100", "--gpus", "1", "--stack-file", str(path), "--force")[0] == 0
    assert yaml.safe_load(path.read_text())["config"]


@pytest.mark.parametrize("gpu", gpus(), ids=lambda gpu: gpu.name)
@pytest.mark.parametrize("purpose", PURPOSES)
def test_every_choice_gives_a_stack_file_that_plans_as_it_was_predicted(gpu, purpose):
    for choice in recommend(RecommendRequest(gpu, gpu.gpus_per_node, purpose)):
        plan = make_plan(load_settings(build_stack_file(choice, "test")["config"]))
        assert plan.fit.num_blocks == choice.fit.num_blocks
        assert plan.fit.max_num_seqs == choice.fit.max_num_seqs


def test_when_nothing_fits_the_exit_code_is_1_and_the_nearest_that_does_is_told(run, monkeypatch):
    """No GPU of the catalogue is so small that nothing fits: one with a third of the memory of an L4 is."""
    tiny = find_gpu("L4").model_copy(update={"name": "tiny", "usable_memory_bytes": 8 * 2**30})
    monkeypatch.setattr("qwen_infra.catalog.find_gpu", lambda name: tiny)
    code, shown, _ = run("--gpu", "tiny", "--gpus", "1", "--context", "1010000")
    assert code == 1
    assert "nothing fits on 1 x tiny with 1010000 tokens of context" in shown
    assert "what fits: qwen-infra recommend --gpu tiny --gpus 1 --for general --context 252500" in shown
    code, shown, _ = run("--gpu", "tiny", "--gpus", "1", "--context", "1010000", "--json")
    assert code == 1
    assert json.loads(shown) == {"choices": [], "nearest": {"gpus": 1, "context": 252500}}


@pytest.mark.parametrize(
    ("arguments", "where", "told"),
    [
        ("--gpu H1 --gpus 1", "--gpu", "no GPU is called 'H1'"),
        ("--gpu H100 --gpus 0", "--gpus", "at least one GPU is needed"),
        ("--gpu H100 --gpus -4", "--gpus", "at least one GPU is needed"),
        ("--gpu H100 --gpus many", "--gpus", "should be a valid integer"),
        ("--gpu H100 --gpus 1 --for poetry", "--for", "there is no ranking for 'poetry'"),
        ("--gpu H100 --gpus 1 --context 0", "--context", "at least 1 token"),
        ("--gpu H100 --gpus 1 --context 2000000", "--context", "no model has such a context"),
        ("--gpu H100 --gpus 1 --price-per-gpu-hour -1", "--price-per-gpu-hour", "a number from 0 up"),
        ("--gpu H100 --gpus 1 --price-per-gpu-hour nan", "--price-per-gpu-hour", "not a finite number"),
        ("--gpu H100 --gpus 1 --choice 0", "--choice", "there is no such choice"),
        ("--gpu H100 --gpus 1 --choice 99", "--choice", "there is no such choice"),
        ("--gpu H100 --gpus 1 --stack-file agent.yaml", "--stack-file", "Pulumi would not take this file"),
        ("--gpus 1", "--gpu", "required and missing"),
    ],
)
def test_a_mistake_is_one_message_that_names_the_flag_and_ends_with_2(
    run, arguments, where, told, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    code, shown, error = run(*arguments.split())
    assert (code, shown) == (2, "")
    assert error.startswith(f"error: {where}: ")
    assert told in error
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_a_message(run, tmp_path):
    code, _, error = run("--gpu", "H100", "--gpus", "1", "--stack-file", str(tmp_path / "no" / "Pulumi.a.yaml"))
    assert code == 3
    assert "this file cannot be used" in error
