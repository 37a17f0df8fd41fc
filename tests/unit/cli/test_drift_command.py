"""``qwen-infra drift`` over several stacks: each is told, and the worst decides the exit code."""

import json
from collections.abc import Callable

import pytest

from qwen_infra.cli import drift as command
from qwen_infra.drift import Difference
from qwen_infra.errors import ConfigurationError, EnvironmentMissingError, QwenInfraError
from tests.unit.cli.conftest import Typed

Run = Callable[..., tuple[int, str, str]]
GONE = Difference("spec", "Service qwen/x", "the object is gone", mend="pulumi up")


@pytest.fixture
def run(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Exit code, standard output and standard error of the command over stacks with what each shows."""

    def run(shown: dict[str, list[Difference] | QwenInfraError], *arguments: str) -> tuple[int, str, str]:
        def compare(stack: str, *_: object, **__: object) -> list[Difference]:
            found = shown[stack]
            if isinstance(found, QwenInfraError):
                raise found
            return found

        monkeypatch.setattr(command, "_compare", compare)
        return typed("drift", *(f"--stack={name}" for name in shown), *arguments)

    return run


def test_nothing_that_differs_is_exit_code_0(run: Run) -> None:
    assert run({"a": [], "b": []}) == (0, "a: as deployed\nb: as deployed\n", "")


def test_a_stack_that_cannot_be_looked_at_does_not_hide_the_others(run: Run) -> None:
    code, told, problems = run({"a": EnvironmentMissingError("no cluster", where="context eu"), "b": [GONE]})
    assert code == 1
    assert "b: spec: Service qwen/x: the object is gone" in told
    assert problems == "error: a: context eu: no cluster\n"


@pytest.mark.parametrize(("error", "code"), [(EnvironmentMissingError("x"), 3), (ConfigurationError("x"), 2)])
def test_what_cannot_be_looked_at_decides_when_nothing_differs(error: QwenInfraError, code: int, run: Run) -> None:
    assert run({"a": error, "b": []})[0] == code


def test_json_has_every_stack(run: Run) -> None:
    _, told, _ = run({"a": EnvironmentMissingError("no cluster"), "b": [GONE]}, "--json")
    document = json.loads(told)
    assert document["drifted"] is True
    assert [(each["stack"], each["drifted"]) for each in document["stacks"]] == [("b", True), ("a", None)]
    assert document["stacks"][1]["problem"] == "no cluster"


def test_two_options_that_leave_nothing_to_look_at_are_refused(run: Run) -> None:
    assert run({"a": []}, "--spec-only", "--behaviour-only")[0] == 2
