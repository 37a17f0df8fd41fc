"""From a stack file, or Pulumi's view of it, to ``StackSettings``; errors name the key and what mends it."""

import difflib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from qwen_infra.errors import ConfigurationError
from qwen_infra.settings.base import decode_value
from qwen_infra.settings.plain import require_plain
from qwen_infra.settings.several import MODELS, Layers, list_deployments
from qwen_infra.settings.stack import StackSettings

__all__ = [
    "NAMESPACE",
    "load_deployments",
    "load_settings",
    "load_stack_deployments",
    "load_stack_file",
    "locate_key",
    "read_stack_config",
]

NAMESPACE = "qwen-infra"
SECRET_KEY = "apiKey"


def load_stack_file(folder: Path, stack: str) -> StackSettings:
    """Settings of ``Pulumi.<stack>.yaml`` in ``folder``, read without Pulumi; of a stack that has one model.

    Raises:
        ConfigurationError: no such file, not YAML, a wrong key or value, or several models.
    """
    return load_settings(read_stack_config(folder, stack))


def load_stack_deployments(folder: Path, stack: str) -> tuple[StackSettings, ...]:
    """Settings of each model of ``Pulumi.<stack>.yaml`` in ``folder``, read without Pulumi.

    Raises:
        ConfigurationError: no such file, not YAML, or a wrong key or value.
    """
    return load_deployments(read_stack_config(folder, stack))


def read_stack_config(folder: Path, stack: str) -> dict[str, Any]:
    """The ``config:`` section of a stack file, unchecked.

    Raises:
        ConfigurationError: no such file, or not YAML.
    """
    path = folder / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        known = sorted(found.name[len("Pulumi.") : -len(".yaml")] for found in folder.glob("Pulumi.*.yaml"))
        raise ConfigurationError(
            f"there is no stack file {path.name}",
            where="--stack",
            found=stack,
            expected=f"one of: {', '.join(known) or 'none in this folder'}",
            mend=f"write {path.name}, or run this in the folder that has it",
        )
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problem = (
            "maps or lists nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())
        )
        raise ConfigurationError(
            "the stack file is not YAML",
            where=path.name,
            found=problem,
            mend="correct the line that it names; a value with a colon or a brace needs quotes",
        ) from None
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict):
        raise ConfigurationError(
            "the stack file has no `config:` section",
            where=path.name,
            mend=f"qwen-infra init {path.stem.removeprefix('Pulumi.')} --force writes one",
        )
    _require_plain(config)
    return config


def load_settings(config: Mapping[str, Any]) -> StackSettings:
    """Settings of a stack with one model, from ``{"qwen-infra:model": {...}, ...}``.

    Raises:
        ConfigurationError: every wrong key and value in one message; or several models.
    """
    found = load_deployments(config)
    if len(found) > 1:
        raise ConfigurationError(
            "this works on one model, and the stack has several",
            where=f"{NAMESPACE}:{MODELS}",
            found=", ".join(item.server.name or item.model.title for item in found),
            mend="name the one with --server",
        )
    return found[0]


def load_deployments(config: Mapping[str, Any]) -> tuple[StackSettings, ...]:
    """Settings of each model of a stack; values may be JSON texts, as Pulumi hands them over.

    Raises:
        ConfigurationError: every wrong key and value in one message.
    """
    raw = _read_own(config)
    found: list[StackSettings] = []
    wrong: dict[str, ConfigurationError] = {}
    for layers in list_deployments(raw):
        try:
            found.append(StackSettings.model_validate(layers.merged()))
        except ValidationError as error:
            explained = (_explain_one(item, layers) for item in error.errors())
            wrong |= {str(item): item for item in explained}
    if wrong:
        raise _join(list(wrong.values()))
    return tuple(found)


def locate_key(config: Mapping[str, Any], *path: str) -> tuple[str, ...]:
    """Where the value at ``path`` of each deployment stands in the stack file, or would: ``qwen-infra:model.revision``.

    Raises:
        ConfigurationError: no such environment, or ``models`` is no map of models.
    """
    raw = _read_own(config)
    return tuple(f"{NAMESPACE}:{layers.key_of(list(path))}" for layers in list_deployments(raw))


def _read_own(config: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of this project without its name; values that are JSON texts are read."""
    prefix = f"{NAMESPACE}:"
    own = {key: decode_value(key, value) for key, value in config.items() if key.startswith(prefix)}
    _require_plain(own)
    return {key.removeprefix(prefix): value for key, value in own.items()}


def _require_plain(config: Mapping[str, Any]) -> None:
    for key, value in config.items():
        require_plain(key, ascii(key))
        require_plain(value, key)


def _join(errors: Sequence[ConfigurationError]) -> ConfigurationError:
    """One error, or a list of them in one message."""
    if len(errors) == 1:
        return errors[0]
    lines = "; ".join(f"({number}) {error}" for number, error in enumerate(errors, 1))
    return ConfigurationError(f"{len(errors)} keys of the stack file are wrong: {lines}")


def _explain_one(detail: ErrorDetails, layers: Layers) -> ConfigurationError:
    """What is wrong with one key, and, where one exists, the command that mends it."""
    path = [str(part) for part in detail["loc"]]
    key = f"{NAMESPACE}:{layers.key_of(path)}"
    if detail["type"] == "extra_forbidden":
        known = _known_keys(path[:-1])
        near = difflib.get_close_matches(path[-1], known, n=1, cutoff=0.5)
        return ConfigurationError(
            f"there is no such key{f', did you mean {near[0]}?' if near else ''}",
            where=key,
            expected=f"one of: {', '.join(known)}",
            mend=f"pulumi config rm --path '{key}'",
        )
    if detail["type"] == "missing":
        return ConfigurationError(
            "this key is required and missing", where=key, mend=f"pulumi config set --path '{key}' <value>"
        )
    return ConfigurationError(
        detail["msg"].removeprefix("Value error, "),
        where=key,
        found=_show(path, detail["input"]),
        mend=f"pulumi config set --path '{key}' <value>",
    )


def _show(path: Sequence[str], value: Any) -> str:
    """The value as it stands in the stack file, unless it is, or holds, an API key."""
    if SECRET_KEY in path and (path[-1] == "value" or not isinstance(value, bool | int)):
        return "a value that is not shown, since it is about the API key"
    return json.dumps(value, default=str, ensure_ascii=False)


def _known_keys(path: Sequence[str]) -> list[str]:
    model: type[BaseModel] = StackSettings
    for part in path:
        field = next((field for field in model.model_fields.values() if field.alias == part), None)
        options = [field.annotation, *getattr(field.annotation, "__args__", ())] if field else []
        nested = [option for option in options if isinstance(option, type) and issubclass(option, BaseModel)]
        if not nested:
            return []
        model = nested[0]
    known = [field.alias or name for name, field in model.model_fields.items()]
    return sorted([*known, MODELS] if model is StackSettings else known)
