from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from qwen_infra.settings import SCHEMA_FILE, load_stack_deployments, stack_file_schema

ROOT = Path(__file__).parents[3]
STACK_FILES = sorted(ROOT.glob("Pulumi.*.yaml"))
SCHEMA = stack_file_schema()


def problems(document: object) -> list[str]:
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)]


def reference() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.gb200.yaml").read_text("utf-8"))
    return document


def described(schema: Any, path: str = "") -> Iterator[tuple[str, bool]]:
    for name, value in schema.get("properties", {}).items():
        yield f"{path}.{name}", "description" in value or "$ref" in value


def test_the_schema_is_a_valid_schema():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", STACK_FILES, ids=lambda path: path.name)
def test_every_stack_file_is_valid_and_wired_for_editors(path: Path):
    stack = path.name.removeprefix("Pulumi.").removesuffix(".yaml")

    assert problems(yaml.safe_load(path.read_text("utf-8"))) == []
    assert load_stack_deployments(path.parent, stack)
    assert path.read_text("utf-8").splitlines()[0] == f"# yaml-language-server: $schema={SCHEMA_FILE}"


def test_a_mistyped_key_is_refused_at_every_level():
    document = reference()
    document["config"]["qwen-infra:server"]["tensorParalelSize"] = 4
    document["config"]["qwen-infra:modle"] = {}
    document["confg"] = {}

    assert len(problems(document)) == 3


def test_a_missing_key_and_a_wrong_value_are_refused():
    document = reference()
    del document["config"]["qwen-infra:model"]
    document["config"]["qwen-infra:endpoint"]["port"] = 0

    assert sorted(problems(document)) == [
        "'qwen-infra:model' is a required property",
        "0 is less than the minimum of 1",
    ]


def test_keys_of_pulumi_and_of_other_projects_are_let_through():
    document = reference() | {"encryptionsalt": "v1:x", "secretsprovider": "passphrase"}
    document["config"]["kubernetes:context"] = "gb200"

    assert problems(document) == []


def test_every_key_is_described():
    parts = [*SCHEMA["$defs"].items(), ("", SCHEMA), ("config", SCHEMA["properties"]["config"])]

    assert [name for key, part in parts for name, is_described in described(part, key) if not is_described] == []


def test_editors_offer_the_models_and_gpus_of_the_catalogue():
    assert "Qwen3.5-397B-A17B" in SCHEMA["$defs"]["ModelSettings"]["properties"]["name"]["examples"]
    assert "GB200" in SCHEMA["$defs"]["ServerSettings"]["properties"]["gpu"]["examples"]
