"""The stack file of the fleet's catalogue, and the catalogue itself."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from qwen_infra.errors import ConfigurationError
from qwen_infra.fleet import list_stacks
from qwen_infra.fleet.catalogue import build_catalogue
from qwen_infra.settings.fleet import load_fleet_settings

ROOT = Path(__file__).parents[3]
DEPLOYED = {
    "model": "qwen3.5",
    "url": "http://s.qwen.svc:8000",
    "apiKeySecret": "qwen/s-api-key#api-key",
    "verification": "verification passed: 85 of 92 cases",
}


def config(**values: Any) -> dict[str, Any]:
    return {f"qwen-infra-fleet:{key}": value for key, value in {"stacks": '["a", "b"]', **values}.items()}


def test_values_are_read_as_pulumi_hands_them_over() -> None:
    found = load_fleet_settings(config(publishTo='[{"identifier": "eu", "context": "c"}]'))
    assert (found.stacks, found.project, found.organization) == (["a", "b"], "qwen-infra", "organization")
    assert (found.publish_to[0].namespace, found.publish_to[0].name) == ("default", "qwen-endpoints")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"stacks": "[]"}, "qwen-infra-fleet:stacks: "),
        ({"stacks": '["a", "a"]'}, "qwen-infra-fleet:stacks: this is named twice (found a)"),
        ({"stack": "a"}, "pulumi config rm --path 'qwen-infra-fleet:stack' (known: stacks, project, organization"),
        ({"stacks": '["a"'}, "qwen-infra-fleet:stacks: the value begins as JSON does and is none"),
        ({"publishTo": '[{"namespace": "x"}]'}, "qwen-infra-fleet:publishTo.0.identifier: "),
    ],
)
def test_a_wrong_key_is_one_line_that_names_it(values: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_fleet_settings(config(**values))
    assert expected in str(caught.value)


def test_the_catalogue_of_this_repository_names_stacks_that_exist() -> None:
    document = yaml.safe_load((ROOT / "fleet" / "Pulumi.fleet.yaml").read_text("utf-8"))
    assert set(load_fleet_settings(document["config"]).stacks) <= {item.name for item in list_stacks(ROOT)}


def test_a_server_is_an_entry_with_its_address_and_where_its_key_lies() -> None:
    outputs = {"a": {"deployments": {"s": DEPLOYED}, "cluster": {"identifier": "eu"}, "environment": "prod"}}
    (entry,) = build_catalogue(outputs)
    assert (entry["stack"], entry["cluster"], entry["environment"], entry["server"]) == ("a", "eu", "prod", "s")
    assert (entry["url"], entry["apiKeySecret"], entry["verified"]) == (DEPLOYED["url"], DEPLOYED["apiKeySecret"], True)


def test_a_stack_that_was_never_deployed_has_no_entry() -> None:
    assert build_catalogue({"a": {"deployments": None}, "b": {}}) == []
