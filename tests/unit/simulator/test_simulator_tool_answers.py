import json
from typing import Any

import pytest

from qwen_infra.simulator.tool_answers import build_instance, call_tools, choose_tools, resolve_references


def make_tool(name: str, description: str = "", **properties: object) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


CITY = {"type": "string", "enum": ["Berlin", "Paris"]}
WEATHER = make_tool("get_weather", "Weather of a city", city=CITY)
STOCK = make_tool("get_stock_price", "Price of a share", symbol={"type": "string"})


def test_the_tool_that_the_question_is_about_is_chosen():
    assert choose_tools([WEATHER, STOCK], "What is the weather like?") == [WEATHER]


def test_a_question_that_needs_no_tool_chooses_none():
    assert choose_tools([WEATHER, STOCK], "What is 17 + 25?") == []


def test_the_enum_value_of_the_question_is_the_argument():
    (call,) = call_tools([WEATHER], "What is the weather in Paris?", is_parallel=True)
    assert json.loads(call.arguments) == {"city": "Paris"}


def test_two_enum_values_give_two_calls():
    calls = call_tools([WEATHER], "Weather in Berlin and Paris?", is_parallel=True)
    assert [json.loads(call.arguments)["city"] for call in calls] == ["Berlin", "Paris"]


def test_calls_that_may_not_be_parallel_are_one():
    assert len(call_tools([WEATHER], "Weather in Berlin and Paris?", is_parallel=False)) == 1


def test_a_free_text_argument_is_the_place_in_the_question():
    (call,) = call_tools([make_tool("find", place={"type": "string"})], "Find a hotel in Rome", is_parallel=True)
    assert json.loads(call.arguments) == {"place": "Rome"}


def test_a_tool_without_parameters_is_called_with_an_empty_object():
    (call,) = call_tools([{"type": "function", "function": {"name": "now"}}], "What time is it?", is_parallel=True)
    assert call.arguments == "{}"


def test_a_call_is_written_in_the_models_own_format():
    (call,) = call_tools([WEATHER], "Paris", is_parallel=True)
    assert "<function=get_weather>\n<parameter=city>\nParis\n</parameter>" in call.as_xml()


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer"}, 42),
        ({"type": "number", "maximum": 10}, 10),
        ({"type": "integer", "minimum": 100}, 100),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"const": "x"}, "x"),
        ({"type": ["null", "integer"]}, 42),
        ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, True),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [42, 42]),
        ({"type": "string", "minLength": 10}, "examplexxx"),
        ({"type": "string", "maxLength": 2}, "ex"),
        ({"type": "string", "format": "date"}, "2026-11-24"),
        ({"properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}}, "required": ["a"]}, {"a": 42}),
    ],
)
def test_the_smallest_instance_follows_its_schema(schema, expected):
    assert build_instance(schema, "17 + 25") == expected


def test_local_references_are_followed():
    schema = {"$defs": {"n": {"type": "integer"}}, "type": "object", "properties": {"x": {"$ref": "#/$defs/n"}}}
    assert build_instance(resolve_references(schema), "7") == {"x": 7}


def test_a_schema_that_refers_to_itself_ends():
    schema = {"type": "object", "properties": {"child": {"$ref": "#"}}, "required": ["child"]}
    assert isinstance(build_instance(resolve_references(schema), ""), dict)
