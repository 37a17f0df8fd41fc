"""The stack file as a JSON Schema, generated from the settings, for editors and for programs.

What it cannot say, it leaves open: rules between keys are told by ``load_settings``.
"""

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from qwen_infra.catalog import gpus, models
from qwen_infra.settings.loading import NAMESPACE
from qwen_infra.settings.several import MODEL_NAME, MODELS, STACK_WIDE
from qwen_infra.settings.spellings import accept_spellings
from qwen_infra.settings.stack import StackSettings

__all__ = ["SCHEMA_FILE", "describe_stack_file", "stack_file_schema"]

SCHEMA_FILE = "docs/stack-file.schema.json"
"""Where the schema is committed; stack files name it in their first line."""

_PULUMI_KEYS: Mapping[str, Mapping[str, Any]] = {
    "encryptionsalt": {"type": "string", "description": "Salt of the passphrase that encrypts secrets; by Pulumi."},
    "encryptedkey": {"type": "string", "description": "Key that encrypts secrets, itself encrypted; by Pulumi."},
    "secretsprovider": {"type": "string", "description": "What encrypts secrets, such as awskms://…; by Pulumi."},
    "environment": {"type": ["array", "object"], "description": "Environments of Pulumi ESC to import."},
}
"""Source: Pulumi's reference of the stack settings file (Pulumi.<stack>.yaml)."""


class _WithoutTitles(GenerateJsonSchema):
    """No title made from a field's name: a key's own name and its description say it better."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


def stack_file_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a whole ``Pulumi.<stack>.yaml``, in every spelling that the program reads."""
    return accept_spellings(describe_stack_file())


def describe_stack_file() -> dict[str, Any]:
    """The same with one spelling of each value, the one that a person is told."""
    settings = StackSettings.model_json_schema(schema_generator=_WithoutTitles)
    definitions = settings["$defs"]
    for definition in definitions.values():
        definition.pop("title", None)
    definitions["ModelSettings"]["properties"]["name"]["examples"] = [model.name for model in models()]
    definitions["ServerSettings"]["properties"]["gpu"]["examples"] = [gpu.name for gpu in gpus()]
    properties = {**settings["properties"], MODELS: _several_models(settings["properties"])}
    keys = {f"{NAMESPACE}:{name}": value for name, value in properties.items()}
    required = {f"{NAMESPACE}:{name}" for name in settings["required"]}
    stack_wide = sorted(required & {f"{NAMESPACE}:{name}" for name in STACK_WIDE})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stack file of qwen-infra",
        "description": "Pulumi.<stack>.yaml: which Qwen3.5 on which GPUs, and how its deployment is judged.",
        "type": "object",
        "additionalProperties": False,
        "required": ["config"],
        "properties": {
            **_PULUMI_KEYS,
            "config": {
                "type": "object",
                "description": f"Settings; those of this project begin with {NAMESPACE}:",
                "properties": keys,
                "patternProperties": {
                    f"^(?!{NAMESPACE}:)[^:]+:.+$": {"description": "Of another project or provider."}
                },
                "additionalProperties": False,
                "required": stack_wide,
                "if": {"required": [f"{NAMESPACE}:{MODELS}"]},
                "else": {"required": sorted(required)},
            },
        },
        "$defs": definitions,
    }


def _several_models(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The key ``models``: each model's stay open here, since any of them may be shared."""
    own = {name: {"type": "object"} for name in properties if name not in STACK_WIDE}
    return {
        "type": "object",
        "description": "Several models in one stack: short name to the keys that differ from the shared ones.",
        "minProperties": 1,
        "propertyNames": {"pattern": f"^{MODEL_NAME}$"},
        "additionalProperties": {"type": "object", "properties": own, "additionalProperties": False},
    }
