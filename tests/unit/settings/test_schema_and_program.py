"""The committed schema and the program take the same stack files: every key is given every kind of value to both.

What a schema cannot say stands here by name: rules between keys, and the bounds of a number that is written as a text.
"""

import copy
import functools
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from qwen_infra.errors import ConfigurationError
from qwen_infra.settings import SCHEMA_FILE, StackSettings, load_deployments

ROOT = Path(__file__).parents[3]
BASE: dict[str, Any] = {
    "qwen-infra:cluster": {"identifier": "lab"},
    "qwen-infra:model": {"name": "Qwen3.5-4B", "precision": "bf16"},
    "qwen-infra:server": {"gpu": "H200"},
}
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 4, 100, 1.0, 2.5, 0.5),
    *(
        "",
        "x",
        "1",
        "0.5",
        "2.5",
        "-1",
        "true",
        "On",
        "off",
        "smoke",
        "full",
        "soak",
        "auto",
        "fp8",
        "blueGreen",
        "4Gi",
    ),
    *("0 4 * * *", "@hourly", "@never", "https://hub", "owner/name", "a-key-of-sixteen-letters"),
    *([], ["x"], [{}], {}, {"x": 1}, {"x": "y"}, {"x": True}, {"level": False}, {"secure": "v1:x"}),
)
RULES_BETWEEN_KEYS = (
    "claimName goes with",
    "storageClass and size go with",
    "nodes go with",
    "nodePort goes with",
    "sourceRanges goes with",
    "name, hub and custom are three ways",
    "precision goes with name",
    "secretName names a Secret",
    "rotation is of generated keys",
    "no time zone",
    "not five: minute, hour",
)
DOCUMENTS: dict[str, dict[str, Any]] = {
    "the level of the verification alone": {"verification": "smoke"},
    "off as YAML 1.2 reads it": {"verification": "off", "benchmark": "off"},
    "off as YAML 1.1 reads it": {"verification": False, "benchmark": False},
    "off inside": {"verification": {"level": False}, "benchmark": {"workload": False}},
    "a cron expression alone": {"verification": {"schedule": "0 4 * * *"}},
    "a word for a time alone": {"verification": {"schedule": "@daily"}},
    "a workload by name": {"benchmark": {"workload": "interactive"}},
    "a workload by values": {"benchmark": {"workload": {"preset": "reference", "sampling": "thinking"}}},
    "blue and green": {"server": {"gpu": "H200", "rollout": "blueGreen"}},
    "a number as pulumi config set --path writes it": {"server": {"gpu": "H200", "gpuMemoryUtilization": "0.9"}},
    "a key as a JSON text": {"server": '{"gpu": "H200"}'},
    "a model of the Hub": {"model": {"hub": "owner/name"}},
    "a model of the Hub beside null": {"model": {"hub": "owner/name", "name": None}},
    "an environment": {"environment": "staging"},
    "an encrypted key": {"endpoint": {"apiKey": {"value": {"secure": "v1:abc"}}}},
    "several models that bring what is missing": {
        "model": {"precision": "fp8"},
        "server": {"replicas": 1},
        "models": {"a": {"model": {"name": "Qwen3.5-4B"}, "server": {"gpu": "H200"}, "benchmark": "off"}},
    },
    "several models as a JSON text": {"models": json.dumps({"a": {"verification": "smoke"}})},
}
WRONG: dict[str, dict[str, Any]] = {
    "no such level": {"verification": "everything"},
    "on is no level": {"benchmark": True},
    "a level of the other check": {"benchmark": "soak"},
    "a model without a precision": {"model": {"name": "Qwen3.5-4B"}},
    "a mistyped key of one of several models": {"models": {"a": {"server": {"gpuu": "H200"}}}},
    "a wrong value of one of several models": {"models": {"a": {"server": {"replicas": 0}}}},
    "a name that is no label": {"models": {"Big Model": {}}},
    "an item of a list that lacks a key": {"models": {"a": {"server": {"tolerations": [{"value": "x"}]}}}},
    "a stack-wide key of one model": {"models": {"a": {"cluster": {"identifier": "other"}}}},
    "true for a number": {"server": {"gpu": "H200", "replicas": True}},
    "true for a limit": {"benchmark": {"slos": {"hardware": "cpu", "limits": {"p99_ttft_ms": True}}}},
}


@functools.cache
def validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads((ROOT / SCHEMA_FILE).read_text("utf-8")))


def ask_schema(config: dict[str, Any]) -> str | None:
    error = next(validator().iter_errors({"config": config}), None)
    return None if error is None else error.message


def ask_program(config: dict[str, Any]) -> str | None:
    try:
        load_deployments(config)
    except ConfigurationError as error:
        return str(error)
    return None


def document(keys: dict[str, Any]) -> dict[str, Any]:
    return BASE | {f"qwen-infra:{name}": value for name, value in keys.items()}


def paths_in(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        path = (*above, field.alias or name)
        yield path
        for option in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(option, type) and issubclass(option, BaseModel):
                yield from paths_in(option, path)


PATHS = tuple(dict.fromkeys(paths_in(StackSettings)))


def with_value(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    found = copy.deepcopy(BASE)
    if len(path) == 1:
        return found | {f"qwen-infra:{path[0]}": value}
    inside = found.setdefault(f"qwen-infra:{path[0]}", {})
    for part in path[1:-1]:
        inside = inside.setdefault(part, {})
    inside[path[-1]] = value
    return found


def is_left_open(message: str, value: Any) -> bool:
    """What the program alone can refuse."""
    is_bound_of_text = isinstance(value, str) and "Input should be" in message and re.fullmatch(r"-?[0-9.]+", value)
    return bool(is_bound_of_text) or any(rule in message for rule in RULES_BETWEEN_KEYS)


@pytest.mark.parametrize("keys", DOCUMENTS.values(), ids=DOCUMENTS)
def test_both_take_every_way_to_write_it(keys: dict[str, Any]):
    assert (ask_schema(document(keys)), ask_program(document(keys))) == (None, None)


@pytest.mark.parametrize("keys", WRONG.values(), ids=WRONG)
def test_both_refuse_what_is_wrong(keys: dict[str, Any]):
    assert None not in (ask_schema(document(keys)), ask_program(document(keys)))


@pytest.mark.parametrize("top", StackSettings.model_fields)
def test_both_take_the_same_values_of_every_key(top: str):
    for path, value in itertools.product([path for path in PATHS if path[0] == top], VALUES):
        config = with_value(path, value)
        by_schema, by_program = ask_schema(config), ask_program(config)
        told = f"{'.'.join(path)} = {value!r}: {by_schema=}, {by_program=}"
        if path == ("endpoint", "apiKey", "value") and isinstance(value, str):
            assert by_schema, told  # Pulumi hands the decrypted key over; in the file it must be encrypted
        elif by_program is None:
            assert by_schema is None, told
        elif by_schema is None:
            assert is_left_open(by_program, value), told


def test_a_key_that_begins_as_json_and_is_none_is_one_line_with_what_mends_it():
    with pytest.raises(ConfigurationError, match=r"qwen-infra:server: the value begins as JSON does.*pulumi config rm"):
        load_deployments(document({"server": "{gpu"}))
