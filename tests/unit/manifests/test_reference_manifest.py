"""The rendered gb200 stack against the reference's own manifest, field by field."""

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from qwen_infra.manifests import render_objects
from qwen_infra.planning import make_plan
from qwen_infra.settings import load_stack_file

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests/golden/reference"


def read(name: str) -> Any:
    return yaml.safe_load((GOLDEN / name).read_text("utf-8"))


def rendered(kind: str) -> dict[str, Any]:
    plan = make_plan(load_stack_file(ROOT, "gb200"))
    (found,) = [item for item in render_objects(plan) if item["kind"] == kind]
    return found


def flags(words: list[str]) -> dict[str, str]:
    """``--flag value`` pairs; the positional model as ``model``."""
    found = {"model": words[2]}
    for index, word in enumerate(words):
        if word.startswith("--"):
            following = words[index + 1] if index + 1 < len(words) else "--"
            found[word] = "" if following.startswith("--") else following
    return found


def flatten(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict) and value:
        return {key: leaf for name, item in value.items() for key, leaf in flatten(item, f"{path}.{name}").items()}
    if isinstance(value, list) and value:
        return {key: leaf for at, item in enumerate(value) for key, leaf in flatten(item, f"{path}.{at}").items()}
    return {path.lstrip("."): value}


def normalise(manifest: dict[str, Any]) -> dict[str, Any]:
    """Fields by path, with the command taken apart into flags and the shell noted as such."""
    found = dict(manifest)
    arguments: dict[str, str] = {}
    if manifest["kind"] == "Deployment":
        command = manifest["spec"]["template"]["spec"]["containers"][0].pop("command")
        with_shell = command[:2] == ["/bin/sh", "-c"]
        words = shlex.split(command[2]) if with_shell else command
        arguments = {f"arguments.{flag}": value for flag, value in flags(words).items()}
        arguments["spec.template.spec.containers.0.command.shell"] = "yes" if with_shell else "no"
    return flatten(found) | arguments


def differing(reference: dict[str, Any], ours: dict[str, Any]) -> set[str]:
    return {path for path in reference.keys() | ours.keys() if reference.get(path) != ours.get(path)}


@pytest.mark.parametrize(("kind", "file"), [("Deployment", "deployment.yaml"), ("Service", "service.yaml")])
def test_every_difference_from_the_reference_is_listed_with_its_reason(kind: str, file: str) -> None:
    listed = read("differences.yaml")[kind]
    found = differing(normalise(read(file)), normalise(rendered(kind)))
    unlisted = {path for path in found if not any(path == known or path.startswith(f"{known}.") for known in listed)}
    assert unlisted == set()


@pytest.mark.parametrize(("kind", "file"), [("Deployment", "deployment.yaml"), ("Service", "service.yaml")])
def test_every_listed_difference_still_exists(kind: str, file: str) -> None:
    listed = read("differences.yaml")[kind]
    found = differing(normalise(read(file)), normalise(rendered(kind)))
    stale = {known for known in listed if not any(path == known or path.startswith(f"{known}.") for path in found)}
    assert stale == set()


def test_no_api_key_stands_in_any_manifest() -> None:
    plan = make_plan(load_stack_file(ROOT, "gb200"))
    secret = next(item for item in render_objects(plan) if item["kind"] == "Secret")
    assert list(secret["stringData"].values()) == ["<generated at deployment>"]
