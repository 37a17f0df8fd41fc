"""What ``BenchmarkCheck`` keeps of a run, whatever is wrong around it."""

from pathlib import Path
from typing import Any, cast

import pytest

from qwen_infra.benchmark import list_results
from qwen_infra.checks import measuring
from qwen_infra.checks.target import CheckTarget
from qwen_infra.errors import ConfigurationError
from tests.unit.benchmark.sample_result import build_result

SETTINGS = '{"workload": "reference", "regression": {"percent": 10}}'
INPUTS: dict[str, Any] = {"urn": "urn", "options": {"settings": SETTINGS, "stack": "mine"}}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    async def run(*_: object) -> object:
        return build_result()

    monkeypatch.setattr(measuring, "_run_here", run)
    monkeypatch.setattr(measuring, "find_results_folder", lambda: tmp_path)
    return tmp_path


def test_a_baseline_that_cannot_be_read_fails_the_check_and_loses_no_run(results: Path) -> None:
    (results / "mine").mkdir()
    (results / "mine" / "baseline-20261124T120000Z-abc.json").write_text("{", "utf-8")
    with pytest.raises(ConfigurationError, match="the result cannot be read"):
        measuring.measure(INPUTS, cast("CheckTarget", None), print)
    assert len(list_results(root=results, stack="mine", kind="benchmark")) == 1


def test_the_figures_are_shown_even_where_they_cannot_be_kept(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(measuring, "show", lambda _urn, text: shown.append(text))
    (results / "mine").write_text("a file where the folder should be", "utf-8")
    without_baseline = {**INPUTS, "options": {**INPUTS["options"], "settings": "{}"}}
    with pytest.raises(ConfigurationError):
        measuring.measure(without_baseline, cast("CheckTarget", None), print)
    assert "TTFT" in "".join(shown)
