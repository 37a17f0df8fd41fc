"""The suite's conversations through the official SDKs, against whatever serves them; used by unit and contract tests.

Words are asserted only where the miniature of the contract tests knows them; all else is what the SDKs' own types say.
"""

import json
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import anthropic
import openai
import pytest

from qwen_infra.verification.conversation import ANSWER_AFTER_RESULT, SUM, WEATHER_BERLIN

__all__ = ["ANTHROPIC", "OPENAI", "Conversation", "anthropic_client", "openai_client"]

Conversation = Callable[[Any, str], None]

GREEDY = {"temperature": 0}
OFF = {"chat_template_kwargs": {"enable_thinking": False}}
ON = {"chat_template_kwargs": {"enable_thinking": True}}
BERLIN = ("get_weather", {"city": "Berlin"})
QUESTION = SUM["messages"][0]["content"]
FUNCTION = WEATHER_BERLIN["tools"][0]["function"]
MESSAGE_TOOL = {
    "name": FUNCTION["name"],
    "description": FUNCTION["description"],
    "input_schema": FUNCTION["parameters"],
}
TIMEOUT_S = 300


@contextmanager
def openai_client(url: str, key: str) -> Any:
    with openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=TIMEOUT_S) as client:
        yield client


@contextmanager
def anthropic_client(url: str, key: str) -> Any:
    with anthropic.Anthropic(base_url=url, auth_token=key, max_retries=0, timeout=TIMEOUT_S) as client:
        yield client


def _chat(client: Any, model: str, body: dict[str, Any] = SUM, **more: Any) -> Any:
    return client.chat.completions.create(model=model, temperature=0, **{**body, "max_tokens": 200, **more})


def lists_the_model(client: Any, model: str) -> None:
    assert model in [each.id for each in client.models.list()]


def answers(client: Any, model: str) -> None:
    answer = _chat(client, model, extra_body=OFF)
    assert (answer.choices[0].message.content.strip(), answer.choices[0].finish_reason) == ("42", "stop")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def streams(client: Any, model: str) -> None:
    events = list(_chat(client, model, stream=True, stream_options={"include_usage": True}, extra_body=OFF))
    assert "".join(each.choices[0].delta.content or "" for each in events if each.choices).strip() == "42"
    assert events[-1].usage.completion_tokens > 0


def thinks(client: Any, model: str) -> None:
    message = _chat(client, model, extra_body=ON).choices[0].message
    assert message.reasoning.strip()
    assert message.content.strip() == "42"


def streams_thinking(client: Any, model: str) -> None:
    deltas = [each.choices[0].delta for each in _chat(client, model, stream=True, extra_body=ON) if each.choices]
    assert "".join(getattr(delta, "reasoning", None) or "" for delta in deltas).strip()
    assert "".join(delta.content or "" for delta in deltas).strip() == "42"


def calls_a_tool(client: Any, model: str) -> None:
    choice = _chat(client, model, WEATHER_BERLIN, tool_choice="auto").choices[0]
    call = choice.message.tool_calls[0].function
    assert (choice.finish_reason, call.name, json.loads(call.arguments)) == ("tool_calls", *BERLIN)


def streams_a_tool_call(client: Any, model: str) -> None:
    body = {**WEATHER_BERLIN, "max_tokens": 200, "temperature": 0}
    with client.chat.completions.stream(model=model, tool_choice="auto", **body) as stream:
        call = stream.get_final_completion().choices[0].message.tool_calls[0].function
    assert (call.name, json.loads(call.arguments)) == BERLIN


def must_call_a_tool(client: Any, model: str) -> None:
    call = _chat(client, model, WEATHER_BERLIN, tool_choice="required").choices[0].message.tool_calls[0].function
    assert (call.name, json.loads(call.arguments)) == BERLIN


def takes_a_tools_result(client: Any, model: str) -> None:
    choice = _chat(client, model, ANSWER_AFTER_RESULT, extra_body=OFF).choices[0]
    assert choice.message.content or choice.message.tool_calls


def refuses_a_wrong_key(client: Any, model: str) -> None:
    with pytest.raises(openai.AuthenticationError):
        _chat(client.with_options(api_key="sk-wrong"), model)


def refuses_an_unknown_model(client: Any, model: str) -> None:
    with pytest.raises(openai.NotFoundError, match=f"{model}-x"):
        _chat(client, f"{model}-x")


def refuses_what_is_too_long(client: Any, model: str) -> None:
    with pytest.raises(openai.BadRequestError, match="max_tokens"):
        _chat(client, model, max_tokens=10_000_000)


def responds(client: Any, model: str) -> None:
    response = client.responses.create(model=model, input=QUESTION, max_output_tokens=200, **GREEDY)
    assert (response.status, response.output_text.strip()) == ("completed", "42")


def streams_a_response(client: Any, model: str) -> None:
    with client.responses.stream(model=model, input=QUESTION, max_output_tokens=200, **GREEDY) as events:
        found = list(events)
    assert (found[0].type, found[-1].type) == ("response.created", "response.completed")
    assert "".join(each.delta for each in found if each.type == "response.output_text.delta").strip() == "42"


def responds_with_a_tool_call(client: Any, model: str) -> None:
    response = client.responses.create(
        model=model,
        input=WEATHER_BERLIN["messages"][0]["content"],
        tools=[{"type": "function", **FUNCTION}],
        max_output_tokens=200,
        **GREEDY,
    )
    call = next(item for item in response.output if item.type == "function_call")
    assert (call.name, json.loads(call.arguments)) == BERLIN


def _message(client: Any, model: str, body: dict[str, Any] = SUM, **more: Any) -> Any:
    return client.messages.create(model=model, messages=body["messages"], max_tokens=200, extra_body=GREEDY, **more)


def messages(client: Any, model: str) -> None:
    message = _message(client, model)
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert (message.content[-1].text.strip(), message.stop_reason) == ("42", "end_turn")
    counted = client.messages.count_tokens(model=model, messages=SUM["messages"])
    assert counted.input_tokens == message.usage.input_tokens


def streams_a_message(client: Any, model: str) -> None:
    with client.messages.stream(model=model, messages=SUM["messages"], max_tokens=200, extra_body=GREEDY) as stream:
        text = "".join(stream.text_stream)
        whole = stream.get_final_message()
    assert (text.strip(), whole.stop_reason) == ("42", "end_turn")
    assert [block.type for block in whole.content] == ["thinking", "text"]


def messages_with_a_tool_call(client: Any, model: str) -> None:
    message = _message(client, model, WEATHER_BERLIN, tools=[MESSAGE_TOOL])
    block = message.content[-1]
    assert (message.stop_reason, block.type, block.name, block.input) == ("tool_use", "tool_use", *BERLIN)


def streams_a_message_with_a_tool_call(client: Any, model: str) -> None:
    with client.messages.stream(
        model=model,
        messages=WEATHER_BERLIN["messages"],
        max_tokens=200,
        tools=[MESSAGE_TOOL],
        extra_body=GREEDY,
    ) as stream:
        block = stream.get_final_message().content[-1]
    assert (block.type, block.name, block.input) == ("tool_use", *BERLIN)


def messages_after_a_tools_result(client: Any, model: str) -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": BERLIN[0], "input": BERLIN[1]}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "Berlin: 21 degrees, sunny"}
    turns = [
        WEATHER_BERLIN["messages"][0],
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [result]},
    ]
    message = _message(client, model, {"messages": turns}, tools=[MESSAGE_TOOL])
    assert message.content
    assert message.stop_reason in {"end_turn", "tool_use"}


def refuses_a_message_with_a_wrong_key(client: Any, model: str) -> None:
    with pytest.raises(anthropic.AuthenticationError):
        _message(client.with_options(auth_token="sk-wrong"), model)


def refuses_a_message_for_an_unknown_model(client: Any, model: str) -> None:
    with pytest.raises(anthropic.NotFoundError):
        _message(client, f"{model}-x")


OPENAI: tuple[Conversation, ...] = (
    lists_the_model,
    answers,
    streams,
    thinks,
    streams_thinking,
    calls_a_tool,
    streams_a_tool_call,
    must_call_a_tool,
    takes_a_tools_result,
    refuses_a_wrong_key,
    refuses_an_unknown_model,
    refuses_what_is_too_long,
    responds,
    streams_a_response,
    responds_with_a_tool_call,
)
ANTHROPIC: tuple[Conversation, ...] = (
    messages,
    streams_a_message,
    messages_with_a_tool_call,
    streams_a_message_with_a_tool_call,
    messages_after_a_tools_result,
    refuses_a_message_with_a_wrong_key,
    refuses_a_message_for_an_unknown_model,
)
