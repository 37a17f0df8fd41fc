"""What Pulumi's refresh and state say, as differences."""

import os
from pathlib import Path
from typing import Any

import pytest

from qwen_infra.drift.spec import CheckResult, compare_spec, list_changes, list_check_results


def step(op: str, kind: str, before: dict[str, Any], after: dict[str, Any], *paths: str) -> dict[str, Any]:
    def inputs(spec: dict[str, Any]) -> dict[str, Any]:
        return {"inputs": {"kind": kind, "metadata": {"namespace": "qwen", "name": "x"}, **spec}}

    changed = {path: {"kind": "update"} for path in paths}
    return {
        "op": op,
        "urn": "urn:pulumi:s::p::t::x",
        "oldState": inputs(before),
        "newState": inputs(after),
        "detailedDiff": changed or None,
    }


def test_what_a_refresh_leaves_alone_is_no_difference() -> None:
    assert list(list_changes({"steps": [step("refresh", "Deployment", {}, {})]}, "s")) == []


def test_a_changed_field_is_told_with_both_values() -> None:
    change = step("update", "Deployment", {"spec": {"replicas": 1}}, {"spec": {"replicas": 2}}, "spec.replicas")
    (found,) = list_changes({"steps": [change]}, "s")
    assert (found.place, found.expected, found.found) == ("Deployment qwen/x", "1", "2")


def test_a_deleted_object_is_told() -> None:
    (found,) = list_changes({"steps": [step("delete", "NetworkPolicy", {}, {})]}, "s")
    assert (found.place, found.what) == ("NetworkPolicy qwen/x", "the object is gone")


def test_what_a_secret_holds_is_never_shown() -> None:
    change = step("update", "Secret", {"data": {"key": "b2xk"}}, {"data": {"key": "bmV3"}}, "data.key")
    (found,) = list_changes({"steps": [change]}, "s")
    assert (found.expected, found.found) == (None, None)


@pytest.mark.parametrize("kind", ["Verification", "Benchmark"])
def test_the_results_of_the_checks_come_from_the_state(kind: str) -> None:
    resource = {
        "type": f"pulumi-python:dynamic/qwen:{kind}Check",
        "urn": "a::x",
        "outputs": {"details": {"result": "r"}},
    }
    export = {"deployment": {"resources": [resource, {"type": "pulumi:pulumi:Stack", "urn": "a::s"}]}}
    assert list(list_check_results(export)) == [CheckResult("x", kind.lower(), "r")]


def test_a_variable_that_stands_for_yes_does_not_stop_the_comparison(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pulumi"
    refusal = "error: --yes and --preview-only cannot be used together"
    program.write_text(
        f'#!/bin/sh\nif [ "$PULUMI_SKIP_CONFIRMATIONS" = true ]; then echo "{refusal}" >&2; exit 1; fi\necho "{{}}"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("PULUMI_SKIP_CONFIRMATIONS", "true")
    assert compare_spec("mine", tmp_path) == []
