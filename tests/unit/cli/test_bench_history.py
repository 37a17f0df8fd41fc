"""`bench`, `history` and `baseline` as a user types them, against a simulator."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwen_infra.simulator import INSTANT, SimulatorSettings
from tests.unit.simulator.conftest import LiveServer


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with LiveServer(SimulatorSettings(profile=INSTANT, max_model_len=8192)) as server:
        yield server.url


LOAD = ("--input-tokens", "40", "--output-tokens", "8", "--num-prompts", "6", "--max-concurrency", "3", "--ignore-eos")


def test_a_benchmark_is_kept_listed_and_made_the_baseline(run, url):
    code, out, _ = run("bench", "--url", url, "--model", "qwen3.5", *LOAD, "--stack", "mine", "--json")
    found = json.loads(out)
    assert (code, found["completed"], found["simulated"]) == (0, 6, True)
    assert {"mean_ttft_ms", "p99_tpot_ms", "request_throughput", "output_throughput", "duration"} <= set(found)
    code, out, _ = run("history", "--json")
    assert (code, len(json.loads(out)["runs"])) == (0, 1)
    code, out, _ = run("history", "--stack", "mine")
    assert "custom" in out
    code, out, _ = run("history", "--format", "csv")
    assert out.count("\n") == 2
    code, out, _ = run("baseline", "set", "--stack", "mine")
    assert (code, out.startswith("custom of qwen3.5 on simulator is compared with benchmark-")) == (0, True)
    code, out, _ = run("baseline", "show", "--stack", "mine", "--json")
    assert json.loads(out)["baselines"][0]["hardware"] == "simulator"


def test_every_request_is_written_when_asked_as_vllm_does(run, url, tmp_path):
    words = (*LOAD, "--out", "r.json", "--format", "vllm", "--save-detailed")
    assert run("bench", "--url", url, "--model", "qwen3.5", *words)[0] == 0
    found = json.loads((tmp_path / "r.json").read_text())
    assert [len(found[key]) for key in ("input_lens", "ttfts", "itls", "errors")] == [6, 6, 6, 6]


def test_the_sampling_of_a_model_card_is_sent(run, url):
    words = (*LOAD, "--sampling", "Qwen3.5-27B:thinking-coding", "--json")
    _, out, _ = run("bench", "--url", url, "--model", "qwen3.5", *words)
    sampling = json.loads(out)["workload"]["sampling"]
    assert (sampling["temperature"], sampling["top_p"], sampling["top_k"]) == (0.6, 0.95, 20)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--sampling", "Qwen3.5-27B:thinkng"), "Qwen3.5-27B has no such preset"),
        (("--sampling", "hot"), "neither name=number,... nor MODEL:MODE"),
        (("--sampling", "heat=1"), "sampling.heat"),
        (("--save-detailed",), "needs --format vllm and --out FILE"),
    ],
)
def test_a_wrong_flag_is_one_line(run, url, words, message):
    code, _, err = run("bench", "--url", url, "--model", "qwen3.5", *LOAD, *words)
    assert (code, message in err) == (2, True)


@pytest.mark.parametrize("form", ["native", "vllm", "csv", "llm-d"])
def test_a_result_is_written_in_any_format(run, url, tmp_path, form):
    code, _, err = run("bench", "--url", url, "--model", "qwen3.5", *LOAD, "--out", "r.txt", "--format", form)
    assert (code, "wrote r.txt" in err, (tmp_path / "r.txt").stat().st_size > 100) == (0, True, True)


def test_flags_reach_the_load(run, url):
    words = ("--api", "chat", "--no-thinking", "--turns", "2", "--goodput", "ttft:60000", "--percentile", "99.9")
    values = ("--seed", "3", "--repeats", "2", "--constant-rate", "--request-rate", "50")
    code, out, _ = run(
        "bench", "--url", url, "--model", "qwen3.5", *LOAD, *words, *values, "--input-tokens", "300", "--json"
    )
    found = json.loads(out)
    assert (code, found["completed"], found["burstiness"], found["workload"]["seed"]) == (0, 12, "inf", 3)
    assert found["request_goodput"] > 0
    assert "p99.9_ttft_ms" in found
    assert len(found["repeats"]) == 2


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--preset", "refrence"), "did you mean reference"),
        ((*LOAD, "--goodput", "fast"), "not metric:milliseconds"),
        ((*LOAD, "--format", "xml"), "not one of native, vllm, csv, llm-d"),
        ((*LOAD, "--num-prompts", "0"), "greater than 0"),
        ((*LOAD, "--request-rate", "0"), "greater than 0"),
        ((*LOAD, "--turns", "2"), "turns needs api: chat"),
        ((*LOAD, "--input-tokens", "9000"), "needs a longer context than the server has"),
        ((*LOAD, "--dataset", "none.jsonl"), "the data set cannot be read"),
    ],
)
def test_wrong_usage_is_one_message_and_code_2(run, url, words, complaint):
    code, out, err = run("bench", "--url", url, "--model", "qwen3.5", *words)
    assert (code, out, complaint in err, "Traceback" in err) == (2, "", True, False)


def test_an_empty_history_and_a_broken_file_are_no_errors(run, tmp_path):
    code, _, err = run("history")
    assert (code, "no benchmark is kept in results" in err) == (0, True)
    (tmp_path / "results" / "mine").mkdir(parents=True)
    (tmp_path / "results" / "mine" / "benchmark-1.json").write_text("{")
    code, _, err = run("history")
    assert (code, "passed over: " in err) == (0, True)


def test_a_baseline_without_a_run_is_told(run):
    code, _, err = run("baseline", "set", "--stack", "none")
    assert (code, "there is no benchmark to make the baseline" in err) == (2, True)


def test_a_sweep_shows_its_steps_its_knee_and_that_it_is_simulated(run, url):
    words = ("--input-tokens", "16", "--output-tokens", "4", "--limit", "2")
    code, out, _ = run("sweep", "--url", url, "--model", "qwen3.5", *words)
    assert (code, "* knee: " in out, "do not come from a GPU" in out) == (0, True, True)


def test_a_sweep_is_kept_in_a_stacks_history(run, url):
    words = ("--input-tokens", "16", "--output-tokens", "4", "--limit", "1", "--stack", "mine")
    _, _, err = run("sweep", "--url", url, "--model", "qwen3.5", *words)
    assert "kept as results/mine/sweep-" in err
    [path] = Path("results/mine").glob("sweep-*.json")
    assert json.loads(path.read_text("utf-8"))["knee"] == 1


def test_capacity_is_told_from_the_newest_run(run, url):
    run("bench", "--url", url, "--model", "qwen3.5", *LOAD, "--stack", "mine")
    code, out, err = run("capacity", "--stack", "mine", "--rate", "100", "--json")
    found = json.loads(out)
    assert (code, found["simulated"], found["replicas_for_rate"] >= 1) == (0, True, True)
    code, out, err = run("capacity", "--stack", "mine")
    assert (code, "say nothing about a GPU" in err) == (0, True)
    assert run("capacity", "--stack", "none")[0] == 2


@pytest.mark.parametrize("command", ["bench", "sweep", "verify"])
def test_a_file_that_could_not_be_written_is_refused_before_anything_is_sent(run, command):
    """The address leads nowhere: asking it would end with another exit code."""
    words = (command, "--url", "http://127.0.0.1:1", "--model", "qwen3.5", "--out", "missing/r.json")
    load = LOAD if command == "bench" else ()
    code, _, err = run(*words, *load)
    assert code == 2
    assert "mkdir -p missing" in err
