"""/v1/responses in OpenAI's newer words."""

import json

SUM = "What is 17 + 25? Answer with the number only."
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string", "enum": ["Berlin", "Paris"]}}},
}


def ask(api, text, **more):
    response = api.http.post("/v1/responses", json={"model": "qwen3.5", "input": text, **more})
    assert response.status_code == 200, response.text
    return response.json()


def events(api, text, **more):
    body = {"model": "qwen3.5", "input": text, "stream": True, **more}
    with api.http.stream("POST", "/v1/responses", json=body) as response:
        return [json.loads(line.removeprefix("data: ")) for line in response.iter_lines() if line.startswith("data: ")]


def test_thinking_and_answer_are_items_of_their_own(api):
    body = ask(api, SUM)
    assert [item["type"] for item in body["output"]] == ["reasoning", "message"]
    assert body["output"][-1]["content"][0]["text"].strip() == "42"


def test_effort_none_turns_thinking_off(api):
    assert [item["type"] for item in ask(api, SUM, reasoning={"effort": "none"})["output"]] == ["message"]


def test_a_tool_is_called_by_an_item(api):
    item = ask(api, "What is the weather in Paris?", tools=[WEATHER])["output"][-1]
    assert (item["type"], json.loads(item["arguments"])) == ("function_call", {"city": "Paris"})


def test_an_answer_that_is_cut_is_incomplete(api):
    body = ask(api, SUM, max_output_tokens=3)
    assert (body["status"], body["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})


def test_the_events_are_numbered_and_end_with_the_whole_response(api):
    found = events(api, SUM)
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    assert (found[0]["type"], found[-1]["type"]) == ("response.created", "response.completed")
    assert [item["type"] for item in found[-1]["response"]["output"]] == ["reasoning", "message"]


def test_a_tools_result_is_read(api):
    items = [
        {"role": "user", "content": "What is the weather in Paris?"},
        {"type": "function_call", "call_id": "1", "name": "get_weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "1", "output": "21 degrees"},
    ]
    assert "21 degrees" in ask(api, items)["output"][-1]["content"][0]["text"]
