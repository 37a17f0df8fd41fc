import json

import pytest


def test_an_answer_has_the_keys_of_vllm(api):
    body = api.chat(api.sum_question)
    assert body["object"] == "chat.completion"
    assert list(body) == [
        *("id", "object", "created", "model", "choices", "service_tier", "system_fingerprint", "usage"),
        *("prompt_logprobs", "prompt_token_ids", "prompt_text", "kv_transfer_params", "ec_transfer_params", "metrics"),
    ]
    assert set(body["choices"][0]) == {
        *("index", "message", "logprobs", "finish_reason", "stop_reason", "token_ids", "routed_experts")
    }


def test_the_model_thinks_by_default_and_then_answers(api):
    message = api.chat(api.sum_question)["choices"][0]["message"]
    assert message["reasoning"]
    assert message["content"] == "\n\n42"


def test_without_thinking_there_is_no_reasoning(api):
    message = api.message(api.sum_question, thinking=False)
    assert (message["reasoning"], message["content"]) == (None, "42")


def test_reasoning_effort_none_turns_thinking_off(api):
    message = api.chat(api.sum_question, reasoning_effort="none")["choices"][0]["message"]
    assert message["reasoning"] is None


def test_reasoning_can_be_left_out_of_the_response(api):
    assert api.message(api.sum_question, include_reasoning=False)["reasoning"] is None


def test_the_reference_introduction_fits_into_100_tokens(api):
    choice = api.chat("你好,请介绍一下你自己", max_tokens=100, temperature=0.7)["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert "Qwen3.5" in choice["message"]["content"]


def test_usage_counts_prompt_answer_and_reasoning(api):
    usage = api.chat(api.sum_question)["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert 0 < usage["completion_tokens_details"]["reasoning_tokens"] < usage["completion_tokens"]


def test_the_prompt_is_counted_as_tokenize_counts_it(api):
    counted = api.http.post("/tokenize", json=api.say(api.sum_question)).json()["count"]
    assert api.chat(api.sum_question)["usage"]["prompt_tokens"] == counted


def test_a_stream_begins_with_the_role(api):
    first = api.chat_events(api.sum_question)[0]
    assert first["object"] == "chat.completion.chunk"
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}


def test_a_stream_says_what_a_body_says(api):
    deltas = api.chat_deltas(api.sum_question)
    message = api.chat(api.sum_question)["choices"][0]["message"]
    assert "".join(delta.get("reasoning", "") for delta in deltas) == message["reasoning"]
    assert "".join(delta.get("content", "") for delta in deltas) == message["content"]


def test_a_stream_shows_all_reasoning_before_any_content(api):
    kinds = [next(iter(delta)) for delta in api.chat_deltas(api.sum_question)[1:-1]]
    assert kinds == sorted(kinds, reverse=True)
    assert set(kinds) == {"reasoning", "content"}


def test_a_stream_ends_with_an_empty_delta_and_the_finish_reason(api):
    last = api.chat_events(api.sum_question)[-1]["choices"][0]
    assert (last["delta"], last["finish_reason"]) == ({}, "stop")


def test_only_the_last_choice_of_a_stream_has_a_finish_reason(api):
    reasons = [event["choices"][0]["finish_reason"] for event in api.chat_events(api.sum_question)]
    assert set(reasons[:-1]) == {None}


def test_a_stream_has_usage_only_when_asked(api):
    assert all("usage" not in event for event in api.chat_events(api.sum_question))


def test_the_usage_event_comes_last_and_without_choices(api):
    last = api.chat_events(api.sum_question, stream_options={"include_usage": True})[-1]
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == api.chat(api.sum_question)["usage"]["completion_tokens"]


def test_continuous_usage_grows_with_the_stream(api):
    options = {"include_usage": True, "continuous_usage_stats": True}
    counts = [e["usage"]["completion_tokens"] for e in api.chat_events(api.sum_question, stream_options=options)]
    assert counts[0] == 0
    assert counts == sorted(counts)


def test_max_tokens_cuts_the_answer_in_its_thinking(api):
    choice = api.chat(api.sum_question, max_tokens=2)["choices"][0]
    assert choice["finish_reason"] == "length"
    assert choice["message"]["content"] is None


def test_max_completion_tokens_wins_over_max_tokens(api):
    assert api.chat(api.sum_question, max_tokens=50, max_completion_tokens=2)["usage"]["completion_tokens"] == 2


def test_ignore_eos_gives_exactly_the_tokens_asked_for(api):
    usage = api.chat(api.sum_question, max_tokens=300, ignore_eos=True)["usage"]
    assert usage["completion_tokens"] == 300


def test_a_stop_string_ends_the_answer_and_is_named(api):
    choice = api.chat("Count from 1 to 9", stop=["5"], reasoning_effort="none")["choices"][0]
    assert choice["message"]["content"] == "1, 2, 3, 4, "
    assert (choice["finish_reason"], choice["stop_reason"]) == ("stop", "5")


def test_a_called_tool_has_its_arguments_and_no_content(api):
    choice = api.chat("What is the weather in Paris?", tools=[api.weather])["choices"][0]
    (call,) = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert choice["message"]["reasoning"]
    assert call["id"].startswith("chatcmpl-tool-")
    assert json.loads(call["function"]["arguments"]) == {"city": "Paris"}


def test_a_question_that_needs_no_tool_is_answered(api):
    choice = api.chat(api.sum_question, tools=[api.weather])["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert "tool_calls" not in choice["message"]


def test_tool_choice_none_calls_nothing(api):
    assert "tool_calls" not in api.message("Weather in Paris?", tools=[api.weather], tool_choice="none")


def test_tool_choice_required_calls_always_and_leaves_the_content_empty(api):
    choice = api.chat(api.sum_question, tools=[api.weather], tool_choice="required")["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == ""
    assert choice["message"]["tool_calls"]


def test_a_named_tool_is_called_and_the_answer_stops(api):
    named = {"type": "function", "function": {"name": "get_weather"}}
    choice = api.chat("Paris", tools=[api.weather], tool_choice=named)["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert choice["message"]["tool_calls"][0]["function"]["name"] == "get_weather"


def test_two_cities_are_two_calls(api):
    message = api.message("What is the weather in Berlin and Paris?", tools=[api.weather])
    assert len({call["id"] for call in message["tool_calls"]}) == 2


def test_a_call_that_max_tokens_cuts_off_has_empty_arguments(api):
    options = {"tools": [api.weather], "tool_choice": "required", "reasoning_effort": "none"}
    whole = api.chat("Weather in Paris?", **options)["usage"]["completion_tokens"]
    choice = api.chat("Weather in Paris?", max_tokens=whole - 12, **options)["choices"][0]
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == "{}"
    assert choice["finish_reason"] == "length"


def test_a_streamed_call_comes_as_reasoning_then_name_then_arguments_then_an_empty_delta(api):
    deltas = api.chat_deltas("What is the weather in Paris?", tools=[api.weather])
    calls = [delta["tool_calls"][0] for delta in deltas if "tool_calls" in delta]
    first_call = next(index for index, delta in enumerate(deltas) if "tool_calls" in delta)
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert all("reasoning" in delta for delta in deltas[1:first_call])
    assert calls[0]["function"] == {"name": "get_weather"}
    assert calls[0]["id"].startswith("chatcmpl-tool-")
    assert json.loads("".join(call["function"]["arguments"] for call in calls[1:])) == {"city": "Paris"}
    assert deltas[-1] == {}


def test_a_streamed_call_finishes_as_tool_calls(api):
    last = api.chat_events("What is the weather in Paris?", tools=[api.weather])[-1]
    assert last["choices"][0]["finish_reason"] == "tool_calls"


def test_the_result_of_a_tool_is_answered_in_words(api):
    call = {"id": "1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "What is the weather in Paris?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "21 degrees and sunny"},
    ]
    body = {"model": "qwen3.5", "messages": messages, "tools": [api.weather]}
    message = api.http.post("/v1/chat/completions", json=body).json()["choices"][0]["message"]
    assert "21 degrees and sunny" in message["content"]


def test_structured_output_follows_its_schema(api):
    schema = {"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"]}
    form = {"type": "json_schema", "json_schema": {"name": "sum", "schema": schema}}
    assert json.loads(api.message(api.sum_question, response_format=form)["content"]) == {"answer": 42}


def test_a_json_object_is_valid_json(api):
    content = api.message(api.sum_question, response_format={"type": "json_object"})["content"]
    assert isinstance(json.loads(content), dict)


def test_structured_outputs_choose_one_of_the_choices(api):
    message = api.message("Is Paris nice?", thinking=False, structured_outputs={"choice": ["yes", "no"]})
    assert message["content"] in {"yes", "no"}


def test_log_probabilities_cover_every_token(api):
    body = api.chat(api.sum_question, logprobs=True, top_logprobs=3)
    content = body["choices"][0]["logprobs"]["content"]
    assert len(content) == body["usage"]["completion_tokens"]
    assert all(len(entry["top_logprobs"]) == 3 and entry["logprob"] <= 0 for entry in content)


def test_streamed_log_probabilities_cover_every_token(api):
    events = api.chat_events(api.sum_question, logprobs=True)
    counted = sum(len(event["choices"][0]["logprobs"]["content"]) for event in events[1:])
    assert counted == api.chat(api.sum_question)["usage"]["completion_tokens"]


def test_content_may_come_in_text_parts(api):
    parts = [{"type": "text", "text": "What is 17 + 25?"}, {"type": "text", "text": "Only the number."}]
    body = {"messages": [{"role": "user", "content": parts}]}
    answered = api.http.post("/v1/chat/completions", json=body).json()
    assert answered["choices"][0]["message"]["content"] == "\n\n42"


def test_a_picture_is_seen(api):
    from qwen_infra.verification.conversation import PICTURE

    assert api.message(PICTURE["messages"][0]["content"], thinking=False)["content"] == "Red"


def test_a_picture_that_cannot_be_read_is_something(api):
    parts = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}, {"type": "text", "text": "?"}]
    assert api.message(parts, thinking=False)["content"] == "Something"


def test_a_picture_is_refused_as_a_text_only_server_does(text_only_api):
    parts = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    response = text_only_api.http.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": parts}]})
    assert response.status_code == 400
    assert "At most 0 image(s)" in response.json()["error"]["message"]


def test_a_lone_surrogate_in_a_question_does_no_harm(api):
    raw = b'{"messages": [{"role": "user", "content": "Say \\"a\\ud800b\\""}]}'
    response = api.http.post("/v1/chat/completions", content=raw, headers={"content-type": "application/json"})
    assert "a?b" in response.json()["choices"][0]["message"]["content"]


def test_a_small_model_without_explicit_thinking_puts_a_whole_answer_into_reasoning(unthinking_api):
    message = unthinking_api.chat(unthinking_api.sum_question)["choices"][0]["message"]
    assert message["content"] is None
    assert "42" in message["reasoning"]


def test_a_small_model_streams_its_answer_as_content(unthinking_api):
    deltas = unthinking_api.chat_deltas(unthinking_api.sum_question)
    assert "".join(delta.get("content", "") for delta in deltas) == "42"


@pytest.mark.parametrize("thinking", [True, False])
def test_a_small_model_with_explicit_thinking_answers_in_the_content(unthinking_api, thinking):
    message = unthinking_api.message(unthinking_api.sum_question, thinking=thinking)
    assert message["content"].strip() == "42"
    assert (message["reasoning"] is not None) is thinking


def test_a_client_that_hangs_up_leaves_no_request_running(paced_api):
    body = paced_api.say("Hello", ignore_eos=True, max_tokens=5000, stream=True)
    with paced_api.http.stream("POST", "/v1/chat/completions", json=body) as response:
        lines = response.iter_lines()  # kept: a dropped iterator would close the connection
        next(lines)
        assert paced_api.read_metric("vllm:num_requests_running") == 1
    paced_api.wait_until_metric_is("vllm:num_requests_running", 0)
    assert paced_api.read_metric("vllm:request_success_total") == 1
