"""``qwen-infra fleet status``: the table, the JSON document, the exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from qwen_infra.cluster import Kubectl
from qwen_infra.errors import EnvironmentMissingError
from tests.unit.cli.conftest import Typed
from tests.unit.fleet.exports import export_of
from tests.unit.fleet.test_status import GB200, PLANS, ROOT, pods_of

STAGING = PLANS["staging-eu"]


@pytest.fixture
def fleet(typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command over two stacks: exit code and standard output."""
    monkeypatch.chdir(tmp_path)
    for stack in ("gb200", "staging-eu"):
        document = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text("utf-8"))
        (tmp_path / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(document), "utf-8")
    plans = {"gb200": GB200, "staging-eu": STAGING}
    pods = {plan.server.name: pods_of(plan) for plan in plans.values()}
    monkeypatch.setattr(Kubectl, "items", lambda _self, *words: pods[words[-1].rpartition("=")[2]])

    monkeypatch.setattr("qwen_infra.fleet.state.shutil.which", lambda _: "/bin/pulumi")

    def run(exports: dict[str, Any], *arguments: str) -> tuple[int, str]:
        def answer(stack: str, _folder: Path) -> Any:
            found = exports.get(stack, export_of(plans[stack]))
            if isinstance(found, Exception):
                raise found
            return found

        monkeypatch.setattr("qwen_infra.fleet.status.export_stack", answer)
        code, told, _ = typed("fleet", "status", "--max-age-days", "36500", *arguments)
        return code, told

    return run


def test_a_healthy_fleet_is_a_table_of_eighty_columns_and_exit_code_0(fleet: Any) -> None:
    code, told = fleet({})
    assert code == 0
    assert all(len(line) <= 80 for line in told.splitlines())
    rows = [[cell.strip() for cell in line.split("|")] for line in told.splitlines()]
    assert rows[0] == ["stack", "model", "revision", "image", "verified", "benchmark", "state"]
    assert rows[2][:4] == ["gb200", "397B-A17B", "main", "v0.32.0"]
    assert rows[3][0] == "@gb200-pod2"
    assert rows[4][:4] == ["staging-eu", "122B-A10B", "0000000", "00000000"]
    assert rows[5][0] == "@eu-staging"
    assert [row[-1] for row in rows[2:]] == ["as deployed", ""] * 2


@pytest.mark.parametrize(
    ("export", "code", "word"),
    [
        (export_of(STAGING, failed="verification"), 1, "failed"),
        (None, 0, "not deployed"),
        (EnvironmentMissingError("the state cannot be read"), 3, "unreadable"),
    ],
)
def test_the_worst_stack_decides_the_exit_code(export: Any, code: int, word: str, fleet: Any) -> None:
    found, told = fleet({"staging-eu": export})
    assert found == code
    assert f"|{word}\n" in told
    assert "\nstaging-eu: " in told


def test_a_failed_stack_outweighs_one_that_cannot_be_read(fleet: Any) -> None:
    exports = {"gb200": EnvironmentMissingError("no"), "staging-eu": export_of(STAGING, failed="benchmark")}
    assert fleet(exports)[0] == 1


def test_old_checks_are_drift(fleet: Any) -> None:
    code, told = fleet({}, "--max-age-days", "0", "--drift", "off")
    assert code == 1
    assert "drifted: 2" in told
    assert "  mend: run it again: pulumi up --stack gb200 --replace '**vllm-qwen35-397b-endpoint-benchmark'" in told


def test_json_tells_everything_in_one_document(fleet: Any) -> None:
    code, told = fleet({}, "--json", "--stack", "staging-eu")
    document = json.loads(told)
    (stack,) = document["stacks"]
    (server,) = stack["servers"]
    assert code == 0
    assert document["conditions"] == {"staging-eu": "ok"}
    assert (stack["environment"], stack["cluster"], stack["updated"]) == (
        "staging",
        "eu-staging",
        "2026-11-24T07:00:01.5Z",
    )
    assert server["digest"] == f"sha256:{'0' * 64}"
    assert (server["repository"], server["revision"]) == ("Qwen/Qwen3.5-122B-A10B-FP8", "0" * 40)
    assert server["verification"]["at"] == "2026-11-24T07:00:00+00:00"
    assert server["benchmark"]["simulated"] is True


def test_a_folder_without_stacks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fleet: Any) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    assert fleet({})[0] == 2


def test_a_machine_without_pulumi_is_told_once(monkeypatch: pytest.MonkeyPatch, fleet: Any) -> None:
    monkeypatch.setattr("qwen_infra.fleet.state.shutil.which", lambda _: None)
    assert fleet({}) == (3, "")
