"""The page of every stack-file key, generated from the schema, so that it cannot say anything else."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from qwen_infra.settings.loading import NAMESPACE
from qwen_infra.settings.schema import SCHEMA_FILE, describe_stack_file
from qwen_infra.settings.several import MODELS

__all__ = ["render_stack_file_page"]

_INTRODUCTION = f"""# The stack file

<!-- Generated from qwen_infra/settings by `make docs-reference`; edit the descriptions there. -->

`Pulumi.<stack>.yaml` says what is deployed. Its keys stand under `config:` and begin with `{NAMESPACE}:`; a key that is
not on this page is an error, which names the nearest one. `qwen-infra init` writes such a file.

    config:
      {NAMESPACE}:model:
        name: Qwen3.5-397B-A17B
        precision: gptq-int4

One value is set by `pulumi config set --path '{NAMESPACE}:model.precision' fp8`. Editors complete and check the file by
its [JSON Schema](stack-file.schema.json) when its first line is

    # yaml-language-server: $schema={SCHEMA_FILE}

(VS Code with the YAML extension, Neovim and others with yaml-language-server). `qwen-infra schema` prints the schema
that belongs to the installed version. Keys of Pulumi itself (`encryptionsalt`, `secretsprovider`, …) and of other
projects may stand beside these.
"""


def render_stack_file_page() -> str:
    """Markdown: a section for each top-level key, in it a row for each key below."""
    schema = describe_stack_file()
    config = schema["properties"]["config"]
    parts = [_INTRODUCTION]
    for key, value in config["properties"].items():
        definition = _resolve(value, schema)
        parts.append(f"## `{key}`\n\n{definition['description']} ({_describe_need(key, config)})\n")
        if "properties" not in definition:
            parts.append(f"{_describe_type(definition, schema).capitalize()}.\n")
            continue
        parts.append("| key | type | default | meaning |\n|---|---|---|---|")
        parts.append("\n".join(_rows(definition, schema, "")) + "\n")
    return "\n".join(parts).rstrip() + "\n"


def _describe_need(key: str, config: Mapping[str, Any]) -> str:
    if key in config["required"]:
        return "required"
    needed = config["else"]["required"]
    return f"required, here or in each of `{NAMESPACE}:{MODELS}`" if key in needed else "may be left out"


def _rows(definition: Mapping[str, Any], schema: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """One line a key, and below it the keys inside it."""
    required = set(definition.get("required", ()))
    for name, value in definition["properties"].items():
        default = "**required**" if name in required else _describe_default(value)
        meaning = value.get("description") or _resolve(value, schema).get("description", "")
        cells = (f"`{prefix}{name}`", _describe_type(value, schema), default, meaning)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        for inner, path in _objects_within(value, schema, f"{prefix}{name}"):
            yield from _rows(inner, schema, f"{path}.")


def _objects_within(
    value: Mapping[str, Any], schema: Mapping[str, Any], path: str
) -> Iterator[tuple[Mapping[str, Any], str]]:
    for option in _options(value, schema):
        if "properties" in option:
            yield option, path
        elif isinstance(option.get("items"), dict):
            yield from _objects_within(option["items"], schema, f"{path}[]")


def _options(value: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a value may be, without null: one item unless it is a union."""
    resolved = _resolve(value, schema)
    choices = resolved.get("anyOf") or resolved.get("oneOf") or [resolved]
    return [option for option in (_resolve(item, schema) for item in choices) if option.get("type") != "null"]


def _resolve(value: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = value.get("$ref")
    if reference is None:
        return value
    found: Mapping[str, Any] = schema["$defs"][reference.rpartition("/")[2]]
    return found


def _describe_default(value: Mapping[str, Any]) -> str:
    default = value.get("default")
    return "" if default is None else f"`{json.dumps(default, ensure_ascii=False)}`"


def _describe_type(value: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    return " or ".join(dict.fromkeys(_describe_option(option, schema) for option in _options(value, schema)))


def _describe_option(option: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if "enum" in option:
        return ", ".join(f"`{choice}`" for choice in option["enum"])
    if "const" in option:
        return f"`{option['const']}`"
    if option.get("type") == "array":
        return f"list of {_describe_type(option.get('items', {}), schema) or 'anything'}"
    if isinstance(option.get("additionalProperties"), dict):
        return f"mapping to {_describe_type(option['additionalProperties'], schema)}"
    return f"{option.get('type', 'anything')}{_describe_bounds(option)}"


def _describe_bounds(option: Mapping[str, Any]) -> str:
    low, high = option.get("minimum"), option.get("maximum")
    above, below = option.get("exclusiveMinimum"), option.get("exclusiveMaximum")
    bounds = [
        f"at least {low}" if low is not None else f"above {above}" if above is not None else "",
        f"at most {high}" if high is not None else f"below {below}" if below is not None else "",
    ]
    told = " and ".join(bound for bound in bounds if bound)
    return f", {told}" if told else ""
