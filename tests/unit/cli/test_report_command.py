"""`report` as a user types it, over results in a folder of their own."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from qwen_infra.benchmark import set_baseline, write_result
from tests.unit.reports.records import MINIATURE, build_benchmark, build_verification

ROOT = Path(__file__).parents[3]


def keep(stack: str = "gb200", count: int = 2, provenance: Any = MINIATURE) -> list[Path]:
    root = Path("results")
    runs = [build_benchmark(number, provenance, output_throughput=1000.0 - 200 * number) for number in range(count)]
    write_result(build_verification(1, provenance=provenance).report, root=root, stack=stack, kind="verification")
    return [write_result(run.result, root=root, stack=stack, kind="benchmark") for run in runs]


def test_a_page_is_written_beside_the_results_and_summed_up(run: Any) -> None:
    keep()
    code, out, _ = run("report", "--stack", "gb200")
    assert (code, "wrote results/gb200/report.html" in out) == (0, True)
    assert "vllm-qwen35-397b" in out
    assert "simulated" in out
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "Stack gb200" in Path("results/gb200/report.html").read_text("utf-8")


def test_the_page_is_a_file_that_later_reports_do_not_take_for_a_result(run: Any) -> None:
    keep()
    run("report", "--stack", "gb200")
    _, out, _ = run("report", "--stack", "gb200", "--json")
    assert json.loads(out)["stacks"][0]["unreadable"] == []


def test_json_says_what_the_page_says(run: Any) -> None:
    first, second = keep()
    set_baseline(first, root=Path("results"), stack="gb200")
    shutil.copy(ROOT / "Pulumi.gb200.yaml", "Pulumi.gb200.yaml")
    code, out, _ = run("report", "--stack", "gb200", "--json")
    found = json.loads(out)
    assert (code, found["file"], found["bytes"] < 2_000_000) == (0, "results/gb200/report.html", True)
    [stack] = found["stacks"]
    [server] = stack["servers"]
    assert (stack["simulated"], server["model"], server["verification"]["passed"]) == (True, "Qwen3.5-397B-A17B", True)
    [series] = server["benchmarks"]
    assert (series["runs"], series["baseline"], series["newest"]["file"]) == (2, first.name, second.name)
    assert series["regressions"] == {second.name: ["output_throughput"]}
    assert server["comparison"]["second"] == second.name


def test_the_allowed_change_can_be_said(run: Any) -> None:
    set_baseline(keep()[0], root=Path("results"), stack="gb200")
    _, out, _ = run("report", "--stack", "gb200", "--regression", "50", "--json")
    assert json.loads(out)["stacks"][0]["servers"][0]["benchmarks"][0]["regressions"] == {}


def test_two_runs_are_compared_by_parts_of_their_names(run: Any) -> None:
    first, second = keep()
    words = ("--compare", second.stem.rpartition("-")[2], first.name, "--json")
    code, out, _ = run("report", "--stack", "gb200", *words)
    comparison = json.loads(out)["stacks"][0]["servers"][0]["comparison"]
    assert (code, comparison["first"], comparison["second"]) == (0, second.name, first.name)


def test_without_a_stack_every_stack_is_on_one_page(run: Any) -> None:
    keep("one")
    keep("two", provenance=MINIATURE)
    code, out, _ = run("report", "--json")
    assert (code, [stack["stack"] for stack in json.loads(out)["stacks"]]) == (0, ["one", "two"])
    assert "2 stacks" in Path("results/report.html").read_text("utf-8")


def test_nothing_to_report_is_one_message_with_the_ways_to_something(run: Any) -> None:
    code, _, err = run("report", "--stack", "gb200")
    assert code == 2
    assert "results/gb200: there is nothing to report" in err
    assert "pulumi up --stack gb200" in err


def test_a_misspelt_stack_is_told_which_there_are(run: Any) -> None:
    keep("gb200")
    code, _, err = run("report", "--stack", "gb20")
    assert (code, "results of gb200" in err) == (2, True)


def test_an_unknown_run_to_compare_is_refused_before_anything_is_written(run: Any) -> None:
    keep()
    code, _, err = run("report", "--stack", "gb200", "--compare", "nothing", "of-it")
    assert (code, "--compare: there is no such run" in err) == (2, True)
    assert not Path("results/gb200/report.html").exists()


def test_a_page_that_cannot_be_written_is_one_message(run: Any) -> None:
    keep()
    Path("file").touch()
    code, _, err = run("report", "--stack", "gb200", "--out", "file/report.html")
    assert (code, "--out: the page cannot be written" in err) == (2, True)


def test_a_broken_stack_file_is_told_on_the_page_and_no_reason_to_fail(run: Any) -> None:
    keep()
    Path("Pulumi.gb200.yaml").write_text("config: {qwen-infra:server: {gpuu: GB200}}", "utf-8")
    code, out, _ = run("report", "--stack", "gb200", "--json")
    assert code == 0
    assert "Pulumi.gb200.yaml cannot be used" in json.loads(out)["stacks"][0]["note"]


def test_a_file_that_is_no_result_is_listed(run: Any) -> None:
    keep()
    Path("results/gb200/benchmark-broken.json").write_text("{", "utf-8")
    _, out, _ = run("report", "--stack", "gb200", "--json")
    [broken] = json.loads(out)["stacks"][0]["unreadable"]
    assert broken["file"] == "benchmark-broken.json"


@pytest.mark.parametrize(
    "command",
    [
        "qwen-infra report --stack gb200 --open",
        "qwen-infra history --stack gb200",
        "qwen-infra baseline set --stack gb200",
        "qwen-infra report --stack gb200 --compare 7f9d21aa 40c9b266",
    ],
)
def test_the_commands_of_the_manual_work(run: Any, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    shown: list[str] = []

    def launch(url: str) -> int:
        shown.append(url)
        return 0

    monkeypatch.setattr("typer.launch", launch)
    for path, name in zip(keep(), ("7f9d21aa", "40c9b266"), strict=True):
        path.rename(path.with_name(f"{path.stem[:-8]}{name}.json"))
    assert run(*command.split()[1:])[0] == 0
    assert bool(shown) == ("--open" in command)
