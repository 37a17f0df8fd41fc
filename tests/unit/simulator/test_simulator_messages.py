"""/v1/messages in Anthropic's words."""

import pytest

SUM = "What is 17 + 25? Answer with the number only."
WEATHER = {
    "name": "get_weather",
    "description": "Weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string", "enum": ["Berlin", "Paris"]}}},
}


def ask(api, text, **more):
    return {"model": "qwen3.5", "max_tokens": 200, "messages": [{"role": "user", "content": text}], **more}


def post(api, body):
    return api.http.post("/v1/messages", json=body)


def stream(api, body):
    with api.http.stream("POST", "/v1/messages", json={**body, "stream": True}) as response:
        lines = [line for line in response.iter_lines() if line]
    return [line.removeprefix("event: ") for line in lines if line.startswith("event: ")], lines


def test_thinking_and_text_are_blocks_of_their_own(api):
    body = post(api, ask(api, SUM)).json()
    assert [block["type"] for block in body["content"]] == ["thinking", "text"]
    assert (body["type"], body["stop_reason"]) == ("message", "end_turn")


def test_thinking_can_be_disabled(api):
    body = post(api, ask(api, SUM, thinking={"type": "disabled"})).json()
    assert [block["type"] for block in body["content"]] == ["text"]


def test_a_tool_is_used_with_arguments_as_an_object(api):
    body = post(api, ask(api, "What is the weather in Paris?", tools=[WEATHER])).json()
    assert (body["content"][-1]["input"], body["stop_reason"]) == ({"city": "Paris"}, "tool_use")


def test_a_tools_result_is_read(api):
    messages = [
        {"role": "user", "content": "What is the weather in Paris?"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "get_weather", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "21 degrees"}]},
    ]
    body = post(api, {"model": "qwen3.5", "max_tokens": 200, "messages": messages}).json()
    assert "21 degrees" in body["content"][-1]["text"]


def test_a_stream_names_its_events_and_ends_with_message_stop(api):
    names, lines = stream(api, ask(api, SUM))
    assert (names[0], names[-2:]) == ("message_start", ["message_delta", "message_stop"])
    assert "data: [DONE]" not in lines


def test_a_system_prompt_may_be_given_apart(api):
    body = post(api, ask(api, "Hello.", system="Reply with the single word AMBER.")).json()
    assert body["content"][-1]["text"].strip() == "AMBER"


@pytest.mark.parametrize(("change", "status"), [({"model": "nope"}, 404), ({"max_tokens": 0}, 400)])
def test_what_cannot_be_served_is_an_error(api, change, status):
    response = post(api, ask(api, SUM) | change)
    assert (response.status_code, "error" in response.json()) == (status, True)


def test_count_tokens_counts_what_a_message_uses(api):
    counted = api.http.post(
        "/v1/messages/count_tokens", json={"model": "qwen3.5", "messages": [{"role": "user", "content": SUM}]}
    ).json()["input_tokens"]
    assert counted == post(api, ask(api, SUM)).json()["usage"]["input_tokens"]
