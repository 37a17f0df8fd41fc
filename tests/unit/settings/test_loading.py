"""The stack file: what is accepted, and how each mistake is told."""

import json
from pathlib import Path
from typing import Any

import pytest

from qwen_infra.errors import ConfigurationError
from qwen_infra.settings import load_settings, load_stack_file

ROOT = Path(__file__).parents[3]


def config(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "qwen-infra:cluster": {"identifier": "test"},
        "qwen-infra:model": {"name": "Qwen3.5-397B-A17B", "precision": "gptq-int4"},
        "qwen-infra:server": {"gpu": "GB200", "tensorParallelSize": 4},
    }
    return found | {f"qwen-infra:{key}": value for key, value in changes.items()}


def message(raw: dict[str, Any]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(raw)
    return str(caught.value)


def test_the_reference_stack_file_is_valid() -> None:
    assert load_stack_file(ROOT, "gb200").server.tensor_parallel_size == 4


def test_values_may_be_json_texts_as_pulumi_hands_them_over() -> None:
    raw = {key: json.dumps(value) for key, value in config().items()}
    assert load_settings(raw) == load_settings(config())


def test_keys_of_other_projects_are_ignored() -> None:
    assert load_settings(config() | {"kubernetes:namespace": "x"}) == load_settings(config())


def test_an_unknown_key_is_told_with_the_nearest_known_one() -> None:
    told = message(config(server={"gpu": "GB200", "tensorParalelSize": 4}))
    assert "qwen-infra:server.tensorParalelSize: there is no such key, did you mean tensorParallelSize?" in told
    assert "pulumi config rm --path 'qwen-infra:server.tensorParalelSize'" in told


def test_an_unknown_top_level_key_is_told() -> None:
    assert message(config(serverr={})).startswith("qwen-infra:serverr: there is no such key, did you mean server?")


def test_a_missing_key_is_told_with_the_command_that_sets_it() -> None:
    told = message(config(server={"tensorParallelSize": 4}))
    assert "qwen-infra:server.gpu: this key is required and missing" in told
    assert "pulumi config set --path 'qwen-infra:server.gpu' <value>" in told


def test_a_wrong_type_is_told_with_what_was_found() -> None:
    told = message(config(server={"gpu": "GB200", "tensorParallelSize": "many"}))
    assert told.startswith("qwen-infra:server.tensorParallelSize: Input should be a valid integer")
    assert 'found "many"' in told


def test_all_mistakes_are_told_at_once() -> None:
    told = message(config(server={"gpu": "GB200", "replicas": 0}, model={"name": "Qwen3.5-4B"}))
    assert "2 keys of the stack file are wrong" in told
    assert "qwen-infra:server.replicas" in told
    assert "qwen-infra:model.precision" in told


def test_a_claim_without_a_name_is_told() -> None:
    assert "claimName goes with kind existingClaim" in message(config(cache={"kind": "existingClaim"}))


def test_a_stack_without_a_file_is_told_with_those_that_exist(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.gb200.yaml").write_text("config: {}")
    with pytest.raises(ConfigurationError, match=r"no stack file Pulumi\.gb300\.yaml.*one of: gb200"):
        load_stack_file(tmp_path, "gb300")


@pytest.mark.parametrize("content", [b"config: [", b"config: \xff"])
def test_a_stack_file_that_is_not_yaml_is_told_on_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "Pulumi.x.yaml").write_bytes(content)
    with pytest.raises(ConfigurationError, match="not YAML") as caught:
        load_stack_file(tmp_path, "x")
    assert "\n" not in str(caught.value)


def test_a_stack_file_without_configuration_is_told(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.x.yaml").write_text("encryptionsalt: x")
    with pytest.raises(ConfigurationError, match="no `config:` section"):
        load_stack_file(tmp_path, "x")


@pytest.mark.parametrize("key", ["verification", "benchmark"])
@pytest.mark.parametrize("value", ["off", False, {"level": "off"}, {"level": False}])
def test_off_is_a_level_although_yaml_reads_it_as_false(key: str, value: object) -> None:
    assert getattr(load_settings(config(**{key: value})), key).level == "off"
