"""The same conversations through the official SDKs, against whatever serves them; used by unit and contract tests."""

import json
from typing import Any

GREEDY = {"temperature": 0}
SUM = "What is 17 + 25? Answer with the number only."
BERLIN = "What is the weather in Berlin?"
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["Berlin", "Paris"]}},
    "required": ["city"],
}


def openai_conversation(client: Any, model: str) -> None:
    """Chat whole and streamed, a tool call, and the Responses API."""
    assert model in [each.id for each in client.models.list()]
    messages = [{"role": "user", "content": SUM}]
    off = {"chat_template_kwargs": {"enable_thinking": False}}
    whole = client.chat.completions.create(
        model=model, messages=messages, max_tokens=200, temperature=0, extra_body=off
    )
    assert whole.choices[0].message.content.strip() == "42"
    stream = client.chat.completions.create(
        model=model, messages=messages, max_tokens=200, temperature=0, stream=True, extra_body=off
    )
    assert "".join(each.choices[0].delta.content or "" for each in stream if each.choices).strip() == "42"
    tool = {"name": "get_weather", "description": "Weather of a city", "parameters": PARAMETERS}
    called = client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": BERLIN}],
        tools=[{"type": "function", "function": tool}],
        max_tokens=200,
        temperature=0,
    )
    call = called.choices[0].message.tool_calls[0]
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Berlin"})
    response = client.responses.create(model=model, input=SUM, max_output_tokens=200, temperature=0)
    assert response.output_text.strip() == "42"
    with client.responses.stream(model=model, input=SUM, max_output_tokens=200, temperature=0) as events:
        assert [event.type for event in events][-1] == "response.completed"


def anthropic_conversation(client: Any, model: str) -> None:
    """A message whole and streamed, a tool call, and the count of tokens."""
    messages = [{"role": "user", "content": SUM}]
    whole = client.messages.create(model=model, messages=messages, max_tokens=200, extra_body=GREEDY)
    assert [block.type for block in whole.content] == ["thinking", "text"]
    assert whole.content[-1].text.strip() == "42"
    with client.messages.stream(model=model, messages=messages, max_tokens=200, extra_body=GREEDY) as stream:
        assert "".join(stream.text_stream).strip() == "42"
    tool = {"name": "get_weather", "description": "Weather of a city", "input_schema": PARAMETERS}
    called = client.messages.create(
        model=model,
        messages=[{"role": "user", "content": BERLIN}],
        tools=[tool],
        max_tokens=200,
        extra_body=GREEDY,
    )
    assert (called.content[-1].type, called.content[-1].input) == ("tool_use", {"city": "Berlin"})
    counted = client.messages.count_tokens(model=model, messages=messages)
    assert counted.input_tokens == whole.usage.input_tokens
