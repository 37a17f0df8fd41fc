"""`verify` as a user types it, against a simulator; a stack's own server is asked on the simulated cluster."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwen_infra.simulator import INSTANT, SimulatorSettings
from qwen_infra.verification import CASES
from tests.unit.simulator.conftest import LiveServer


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with LiveServer(SimulatorSettings(profile=INSTANT)) as server:
        yield server.url


def kept(folder: Path) -> list[Path]:
    return sorted((folder / "results" / "mine").glob("verification-*.json"))


def test_the_result_of_a_stack_is_kept_where_report_and_history_look(run, url, tmp_path):
    code, _, told = run("verify", "--url", url, "--model", "qwen3.5", "--level", "smoke", "--stack", "mine")
    (file,) = kept(tmp_path)
    assert (code, json.loads(file.read_text())["level"]) == (0, "smoke")
    assert f"kept as results/mine/{file.name}" in told
    assert run("report", "--stack", "mine")[0] == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--no-save", "--stack", "mine"), ""),
        (("--case", "models-listed", "--stack", "mine"), "not kept, since only some cases were asked"),
        ((), ""),
    ],
    ids=["when told not to", "of some cases only", "of no stack"],
)
def test_a_result_is_not_kept(run, url, tmp_path, words, told):
    code, _, said = run("verify", "--url", url, "--model", "qwen3.5", "--level", "smoke", *words)
    assert (code, kept(tmp_path)) == (0, [])
    assert told in said


def test_without_a_stack_or_a_server_it_says_how_to_name_one(run):
    code, _, told = run("verify")
    assert code == 2
    assert "which server?" in told
    assert "--url URL with --model NAME" in told


def test_an_address_without_a_models_name_is_one_line_with_what_mends_it(run):
    code, _, told = run("verify", "--url", "http://127.0.0.1:1")
    assert code == 2
    assert "qwen-infra verify --url http://127.0.0.1:1 --model" in " ".join(told.split())


def test_the_cases_are_listed_without_a_server(run):
    code, shown, _ = run("verify", "--list")
    assert code == 0
    assert all(case.id in shown for case in CASES)


def test_the_cases_are_listed_for_a_program_too(run):
    code, shown, _ = run("verify", "--list", "--json")
    listed = json.loads(shown)["cases"]
    assert code == 0
    assert [case["id"] for case in listed] == [case.id for case in CASES]
    assert all(case["proves"] and case["level"] in {"smoke", "full"} for case in listed)
