"""Values that a stack file can say and no program can use: one message with the key, never a crash."""

import json
from pathlib import Path

import pytest

from qwen_infra.errors import ConfigurationError
from qwen_infra.settings.loading import load_deployments, read_stack_config


def refusal(folder: Path, *lines: str) -> str:
    (folder / "Pulumi.odd.yaml").write_text("\n".join(("config:", *lines)), "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_stack_config(folder, "odd")
    return str(caught.value)


def test_half_of_a_surrogate_pair_is_refused_with_its_key(tmp_path: Path) -> None:
    told = refusal(tmp_path, "  qwen-infra:model:", '    name: "Qwen\\ud83d"')
    assert told.startswith("qwen-infra:model.name: this text has half of a character")
    assert told.isascii()


def test_half_of_a_surrogate_pair_in_a_key_is_refused_where_it_stands(tmp_path: Path) -> None:
    assert refusal(tmp_path, '  qwen-infra:model: {"n\\ud83d": x}').startswith("qwen-infra:model: this text")
    assert refusal(tmp_path, '  "qwen-infra:\\ud83d": x').isascii()


@pytest.mark.parametrize("value", ["&own {pod: {labels: *own}}", "{pod: &own [1, *own]}"])
def test_an_anchor_inside_of_what_it_names_is_refused_with_its_key(tmp_path: Path, value: str) -> None:
    told = refusal(tmp_path, f"  qwen-infra:server: {value}")
    assert told.startswith("qwen-infra:server.pod")
    assert "contains itself" in told


def test_an_anchor_that_is_repeated_after_its_value_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.odd.yaml").write_text("config: {a: &one {b: 1}, c: [*one, *one]}", "utf-8")
    assert read_stack_config(tmp_path, "odd") == {"a": {"b": 1}, "c": [{"b": 1}, {"b": 1}]}


@pytest.mark.parametrize("levels", [100, 3000])
def test_lists_without_end_are_refused(tmp_path: Path, levels: int) -> None:
    assert "nested too deeply" in refusal(tmp_path, f"  qwen-infra:model: {'[' * levels}{']' * levels}")


@pytest.mark.parametrize("value", [json.dumps(["\ud83d"]), "[" * 100_000])
def test_what_pulumi_hands_over_as_json_is_held_to_the_same(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^qwen-infra:model"):
        load_deployments({"qwen-infra:model": value})


def test_a_date_that_is_none_is_not_yaml(tmp_path: Path) -> None:
    assert "not YAML" in refusal(tmp_path, "  qwen-infra:model: 2026-02-31")
