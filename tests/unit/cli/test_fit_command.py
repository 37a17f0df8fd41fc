"""``qwen-infra fit``: what it prints, its JSON keys, its picture, and one message for each mistake."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pytest

from qwen_infra.cli.fit_chart import list_bars
from qwen_infra.cli.fit_question import Question, ask
from qwen_infra.sizing.kv_cache import KvCacheDtype
from tests.unit.cli.conftest import Typed

DESIGN_KEYS = {
    "fits",
    "reasons",
    "num_blocks",
    "block_size_tokens",
    "bytes_per_block",
    "max_concurrency",
    "max_num_seqs",
    "weights_gib",
    "reserve_gib",
    "kv_cache_gib",
    "valid_tensor_parallel_sizes",
    "startup_budget_s",
}
FITTING = ("--model", "Qwen3.5-27B", "--precision", "fp8", "--gpu", "H100", "--max-model-len", "131072")
MISFIT = ("--model", "Qwen3.5-27B", "--gpu", "L40S")
STACK = """
config:
  qwen-infra:cluster: {identifier: test}
  qwen-infra:model: {name: Qwen3.5-27B, precision: bf16}
  qwen-infra:server: {gpu: L40S, textOnly: true}
"""


@pytest.fixture
def run(typed: Typed) -> Typed:
    return partial(typed, "fit")


def test_a_fitting_configuration_ends_with_0_and_shows_where_the_memory_goes(run):
    code, shown, _ = run(*FITTING)
    assert code == 0
    assert "Qwen3.5-27B fp8 on 1 x H100, 131072 tokens of context: fits" in shown
    for part in ("weights", "reserve", "cache", "state of it", "physical limit", "start-up budget"):
        assert part in shown


def test_json_has_the_keys_that_other_programs_rely_on(run):
    code, shown, _ = run(*FITTING, "--json")
    found = json.loads(shown)
    assert code == 0
    assert found.keys() >= DESIGN_KEYS
    assert found["fits"] is True
    assert found["limit"]["tpot_ms"] > 0


@pytest.mark.parametrize("kind", get_args(KvCacheDtype))
def test_every_type_of_cache_that_a_stack_file_takes_can_be_asked_about(run, kind):
    code, shown, _ = run("--model", "Qwen3.5-27B", "--precision", "fp8", "--gpu", "B200", "--kv-cache-dtype", kind)
    assert (code, "fits" in shown) == (0, True)


def test_what_does_not_fit_ends_with_1_and_tells_the_changes_that_would(run):
    code, shown, _ = run(*MISFIT)
    assert code == 1
    assert "does not fit" in shown
    assert "leave no room for the cache" in shown
    assert "--tp 2" in shown
    assert "--precision fp8, --max-model-len" in shown


def test_the_changes_in_json_are_stack_file_keys(run):
    code, shown, _ = run(*MISFIT, "--json")
    found = json.loads(shown)
    assert code == 1
    assert found["reasons"]
    assert {"qwen-infra:server.tensorParallelSize": "2"} in [remedy["stack_file"] for remedy in found["remedies"]]


@pytest.mark.parametrize("arguments", [FITTING, MISFIT])
def test_each_change_that_is_told_fits_when_it_is_made(arguments, run):
    _, shown, _ = run(*arguments, "--json")
    remedies = json.loads(shown)["remedies"]
    assert all(remedy["max_concurrency"] >= 1 for remedy in remedies)


def test_a_stack_file_is_asked_about_and_its_keys_are_told(run, tmp_path, monkeypatch):
    (tmp_path / "Pulumi.small.yaml").write_text(STACK)
    monkeypatch.chdir(tmp_path)
    code, shown, _ = run("--stack", "small")
    assert code == 1
    assert "server.tensorParallelSize: 2" in shown


def test_flags_beside_a_stack_change_it_for_this_question(run, tmp_path, monkeypatch):
    (tmp_path / "Pulumi.small.yaml").write_text(STACK)
    monkeypatch.chdir(tmp_path)
    code, shown, _ = run("--stack", "small", "--tp", "2")
    assert code == 0
    assert "on 2 x L40S" in shown


@pytest.mark.parametrize(
    ("arguments", "where", "told"),
    [
        ("--gpu H100", "--model", "required where no --stack is given"),
        ("--model Qwen3.5-27B", "--gpu", "required where no --stack is given"),
        ("--model Qwen3.5-26B --gpu H100", "--model", "no model is called 'Qwen3.5-26B'"),
        ("--model Qwen3.5-27B --gpu H1000", "--gpu", "no GPU is called 'H1000'"),
        ("--model Qwen3.5-4B --gpu H100 --precision fp8", "--precision", "has no fp8 checkpoint"),
        ("--model Qwen3.5-397B-A17B --gpu H100 --precision nvfp4", "--precision", "cannot run nvfp4"),
        ("--model Qwen3.5-4B --gpu H100 --tp 3", "--tp", "16 query heads cannot be divided by 3"),
        ("--model Qwen3.5-4B --gpu H100 --tp 0", "--tp", "must be at least 1"),
        ("--model Qwen3.5-4B --gpu H100 --pp -1", "--pp", "must be at least 1"),
        ("--model Qwen3.5-4B --gpu H100 --max-model-len -5", "--max-model-len", "must be at least 1"),
        ("--model Qwen3.5-4B --gpu H100 --max-model-len 262145", "--max-model-len", "at most 262144 tokens"),
        (
            "--model Qwen3.5-4B --gpu H100 --max-model-len 2000000 --long-context",
            "--max-model-len",
            "at most 1010000 tokens",
        ),
        ("--model Qwen3.5-4B --gpu H100 --max-num-seqs 0", "--max-num-seqs", "must be at least 1"),
        ("--model Qwen3.5-4B --gpu H100 --max-num-batched-tokens 0", "--max-num-batched-tokens", "at least 1"),
        ("--model Qwen3.5-4B --gpu H100 --block-size 0", "--block-size", "must be at least 1"),
        ("--model Qwen3.5-4B --gpu H100 --mtp -1", "--mtp", "cannot be negative"),
        ("--model Qwen3.5-4B --gpu H100 --gpu-memory-utilization 1.5", "--gpu-memory-utilization", "at most 1"),
        (
            "--model Qwen3.5-4B --gpu H100 --gpu-memory-utilization nan",
            "--gpu-memory-utilization",
            "not a finite number",
        ),
        ("--model Qwen3.5-4B --gpu H100 --kv-cache-dtype int8", "--kv-cache-dtype", "int8"),
        ("--stack nowhere", "--stack", "there is no stack file Pulumi.nowhere.yaml"),
        ("--model Qwen3.5-4B --gpu H100 --plot out.pdf", "--plot", "the picture's format is not known"),
    ],
)
def test_a_mistake_is_one_message_that_names_the_flag_and_ends_with_2(
    run, arguments, where, told, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    code, shown, error = run(*arguments.split())
    assert code == 2
    assert shown == ""
    assert error.startswith(f"error: {where}: ")
    assert told in error
    assert error.count("error: ") == 1
    assert "pulumi config" not in error


def test_the_long_context_flag_is_what_mends_a_context_above_the_native_one(run):
    _, _, error = run("--model", "Qwen3.5-4B", "--gpu", "H100", "--max-model-len", "300000")
    assert "mend:     --long-context" in error
    code, _, _ = run("--model", "Qwen3.5-4B", "--gpu", "H100", "--max-model-len", "300000", "--long-context")
    assert code == 0


@pytest.mark.parametrize(
    ("name", "start"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.html", b"<!doctype html>")]
)
def test_the_picture_is_written_in_the_format_of_its_name(run, tmp_path, name, start):
    path = tmp_path / name
    code, _, told = run(*MISFIT, "--plot", str(path))
    assert code == 1
    assert path.read_bytes().startswith(start)
    assert told == f"wrote {path}\n"


def test_the_html_page_needs_nothing_else(run, tmp_path):
    path = tmp_path / "fit.html"
    run(*MISFIT, "--plot", str(path))
    page = path.read_text("utf-8")
    assert "leave no room for the cache" in page
    assert "src=" not in page
    assert "@import" not in page


def test_a_picture_that_cannot_be_written_is_a_message(run, tmp_path):
    code, _, error = run(*FITTING, "--plot", str(tmp_path / "nowhere" / "a.svg"))
    assert code == 3
    assert "this file cannot be used" in error


def test_the_bars_add_up_to_what_vllm_asks_for():
    answer = ask(Question(model="Qwen3.5-27B", gpu="H200"))
    first, *others = list_bars(answer)
    parts_gib = sum(first.parts.values())
    block_gib = answer.fit.bytes_per_block / 2**30
    assert answer.fit.requested_bytes / 2**30 - block_gib <= parts_gib <= answer.fit.requested_bytes / 2**30
    assert [bar.label.split("\n")[0] for bar in others] == ["TP 2", "TP 4", "TP 8"]


def test_what_would_fit_is_drawn_beside_what_does_not():
    answer = ask(Question(model="Qwen3.5-27B", gpu="L40S"))
    bars = list_bars(answer)
    assert bars[0].label.endswith("does not fit")
    assert bars[1].label.startswith("tensorParallelSize: 2")
    assert all(bar.fits for bar in bars[1:])


def test_neither_pulumi_nor_matplotlib_is_imported_for_an_answer():
    code = (
        "import sys; from qwen_infra.cli.main import main\n"
        "try: main()\nexcept SystemExit: print('\\nMODULES', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "fit", *FITTING], capture_output=True, text=True, check=True, timeout=300
    )
    heavy = {"pulumi", "pulumi_kubernetes", "matplotlib", "numpy", "yaml", "httpx", "huggingface_hub"}
    modules = done.stdout.rpartition("MODULES")[2].split()
    assert {name.partition(".")[0] for name in modules} & heavy == set()


def test_a_model_of_the_hub_that_cannot_be_reached_ends_with_3(run, monkeypatch, tmp_path: Path):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    code, _, error = run("--model", "somebody/something", "--from-hub", "--gpu", "H100")
    assert code == 3
    assert "the Hub did not give somebody/something" in error


SEVERAL = """
config:
  qwen-infra:cluster: {identifier: test}
  qwen-infra:server: {gpu: H200, maxModelLen: 32768}
  qwen-infra:models:
    dense: {model: {name: Qwen3.5-27B, precision: fp8}}
    moe: {model: {name: Qwen3.5-35B-A3B, precision: bf16}}
"""


@pytest.fixture
def several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Pulumi.two.yaml").write_text(SEVERAL, "utf-8")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("several")
def test_each_server_of_a_stack_with_several_is_answered(run: Any) -> None:
    code, out, _ = run("--stack", "two", "--json")
    found = json.loads(out)
    assert code == 0
    assert {name: one["model"] for name, one in found["deployments"].items()} == {
        "vllm-dense": "Qwen3.5-27B",
        "vllm-moe": "Qwen3.5-35B-A3B",
    }


@pytest.mark.usefixtures("several")
def test_one_server_of_several_can_be_named_without_its_prefix(run: Any) -> None:
    _, out, _ = run("--stack", "two", "--server", "moe", "--json")
    assert json.loads(out)["model"] == "Qwen3.5-35B-A3B"


@pytest.mark.usefixtures("several")
def test_a_server_that_the_stack_lacks_is_told_with_those_it_has(run: Any) -> None:
    code, _, told = run("--stack", "two", "--server", "none")
    assert code == 2
    assert "vllm-dense, vllm-moe" in told
