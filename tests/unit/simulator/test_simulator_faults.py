"""Every fault, one at a time: what a client sees of it."""

import json

import httpx
import pytest

from qwen_infra.errors import ConfigurationError
from qwen_infra.simulator import FAULTS, SimulatorSettings, create_app
from qwen_infra.simulator.faults import FaultSwitch

RED_PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAAS0lEQVR42u3PQQkAAAgAsetfWiP4FgYrsKZeS0BAQEBAQEBAQEBAQEBAQEBAQE"
    "BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEDgsqnc8OJg6Ln3AAAAAElFTkSuQmCC"
)
PARIS = "What is the weather in Paris?"


def test_every_fault_has_a_test_here():
    names = [name.removeprefix("test_").replace("_", "-") for name in globals() if name.startswith("test_")]
    assert [fault for fault in FAULTS if not any(name.startswith(f"{fault}-") for name in names)] == []


def test_an_unknown_fault_is_refused_with_the_nearest_names():
    with pytest.raises(ConfigurationError, match="perhaps slow-tokens"):
        FaultSwitch(["slow-token"])


def test_a_fault_outside_the_registry_cannot_be_asked_for():
    with pytest.raises(KeyError):
        FaultSwitch().is_active("no-such-fault")


def test_a_simulator_does_not_start_with_an_unknown_fault():
    with pytest.raises(ConfigurationError):
        create_app(SimulatorSettings(faults=("nonsense",)))


def test_the_faults_are_listed_with_what_they_do(api):
    body = api.http.get("/simulator/faults").json()
    assert (body["active"], body["known"]) == ([], dict(FAULTS))


def test_switching_faults_replaces_the_active_ones(api):
    api.set_faults("stall", "server-error")
    api.set_faults("wrong-answer")
    assert api.http.get("/simulator/faults").json()["active"] == ["wrong-answer"]


def test_an_unknown_fault_at_run_time_changes_nothing_and_names_the_nearest(api):
    api.set_faults("stall")
    response = api.http.post("/simulator/faults", json={"faults": ["wrong-anser"]})
    assert response.status_code == 400
    assert "wrong-answer" in response.json()["error"]["message"]
    assert api.http.get("/simulator/faults").json()["active"] == ["stall"]


def test_image_ignored_answers_as_if_there_were_no_picture(api):
    api.set_faults("image-ignored")
    url = {"url": f"data:image/png;base64,{RED_PIXEL}"}
    parts = [{"type": "image_url", "image_url": url}, {"type": "text", "text": "Which colour?"}]
    assert api.message(parts, thinking=False)["content"] == "I see no picture."


def test_development_mode_answers_server_info(api):
    assert api.http.get("/server_info").status_code == 404
    api.set_faults("development-mode")
    assert api.http.get("/server_info").status_code == 200


def test_small_kv_cache_reports_a_third_fewer_blocks(api):
    assert 'num_gpu_blocks="6500"' in api.http.get("/metrics").text
    api.set_faults("small-kv-cache")
    assert 'num_gpu_blocks="4333"' in api.http.get("/metrics").text


def test_server_error_is_500_with_vllms_body(api):
    api.set_faults("server-error")
    response = api.post_chat("Hi")
    assert (response.status_code, response.json()["error"]["type"]) == (500, "InternalServerError")


def test_overloaded_is_503_with_vllms_body(api):
    api.set_faults("overloaded")
    response = api.post_chat("Hi")
    assert (response.status_code, response.json()["error"]["code"]) == (503, 503)


def test_html_error_page_is_no_json(api):
    api.set_faults("html-error-page")
    response = api.post_chat("Hi")
    assert (response.status_code, response.text[:6]) == (502, "<html>")


def test_dead_engine_is_unhealthy_and_lists_its_models(api):
    api.set_faults("dead-engine")
    assert api.http.get("/health").status_code == 503
    assert api.post_chat("Hi").status_code == 500
    assert api.http.get("/v1/models").status_code == 200


def test_key_unguarded_serves_without_a_key(guarded_api):
    guarded_api.set_faults("key-unguarded")
    assert guarded_api.http.get("/v1/models").status_code == 200


def test_slow_start_is_not_ready_for_ten_minutes(api):
    api.set_faults("slow-start")
    assert api.http.get("/health").status_code == 503
    assert api.post_chat("Hi").status_code == 503


def test_context_overflow_500_instead_of_400(api):
    api.set_faults("context-overflow-500")
    assert api.http.post("/v1/completions", json={"prompt": [5] * 5000}).status_code == 500


def test_wrong_served_model_knows_another_name(api):
    api.set_faults("wrong-served-model")
    assert api.http.get("/v1/models").json()["data"][0]["id"] == "some-other-model"
    assert api.post_chat("Hi").status_code == 404


def test_wrong_context_length_is_half(api):
    api.set_faults("wrong-context-length")
    assert api.http.get("/v1/models").json()["data"][0]["max_model_len"] == 2048


def test_old_version_is_not_0_32(api):
    api.set_faults("old-version")
    assert api.http.get("/version").json()["version"] == "0.16.0"


def test_wrong_answer_misses_the_sum(api):
    api.set_faults("wrong-answer")
    assert api.message(api.sum_question, thinking=False)["content"] == "43"


def test_wrong_language_answers_chinese_in_english(api):
    api.set_faults("wrong-language")
    assert api.message("你好,请介绍一下你自己", thinking=False)["content"].isascii()


def test_wrong_tool_argument_is_another_enum_value(api):
    api.set_faults("wrong-tool-argument")
    (call,) = api.message(PARIS, tools=[api.weather])["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"city": "Berlin"}


def test_lost_tool_call_stays_in_the_reasoning(api):
    api.set_faults("lost-tool-call")
    message = api.message(PARIS, tools=[api.weather])
    assert "tool_calls" not in message
    assert "<function=get_weather>" in message["reasoning"]


def test_tool_xml_in_content_calls_nothing(api):
    api.set_faults("tool-xml-in-content")
    message = api.message(PARIS, tools=[api.weather])
    assert "tool_calls" not in message
    assert "<tool_call>" in message["content"]


def test_unasked_tool_call_comes_with_tool_choice_none(api):
    api.set_faults("unasked-tool-call")
    choice = api.chat(api.sum_question, tools=[api.weather])["choices"][0]
    assert choice["message"]["tool_calls"]


def test_answer_in_reasoning_leaves_no_content(api):
    api.set_faults("answer-in-reasoning")
    message = api.message(api.sum_question)
    assert message["content"] is None
    assert "42" in message["reasoning"]


def test_thinking_ignored_thinks_though_told_not_to(api):
    api.set_faults("thinking-ignored")
    assert api.message(api.sum_question, thinking=False)["reasoning"]


def test_think_tags_in_content_show_the_thinking(api):
    api.set_faults("think-tags-in-content")
    message = api.message(api.sum_question)
    assert message["reasoning"] is None
    assert "</think>" in message["content"]


def test_endless_thinking_is_cut_off_without_content(api):
    api.set_faults("endless-thinking")
    choice = api.chat(api.sum_question, max_tokens=50)["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("length", None)


def test_schema_violation_misses_a_required_key(api):
    api.set_faults("schema-violation")
    schema = {"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"]}
    form = {"type": "json_schema", "json_schema": {"name": "sum", "schema": schema}}
    assert "answer" not in json.loads(api.message(api.sum_question, response_format=form)["content"])


def test_forgetful_does_not_follow_the_system_prompt(api):
    api.set_faults("forgetful")
    messages = [
        {"role": "system", "content": "Always answer with the word BANANA."},
        {"role": "user", "content": "Hello!"},
    ]
    answered = api.http.post("/v1/chat/completions", json={"messages": messages}).json()
    assert "BANANA" not in answered["choices"][0]["message"]["content"]


def test_mixed_up_answers_give_the_answer_before(api):
    api.message("Say 'alpha'", thinking=False)
    api.set_faults("mixed-up-answers")
    assert api.message("Say 'beta'", thinking=False)["content"] == "alpha"


def test_stop_ignored_goes_past_the_stop_string(api):
    api.set_faults("stop-ignored")
    assert api.message("Count from 1 to 9", thinking=False, stop=["5"])["content"].endswith("9")


def test_max_tokens_ignored_is_three_times_as_long(api):
    api.set_faults("max-tokens-ignored")
    assert api.chat(api.sum_question, max_tokens=40)["usage"]["completion_tokens"] == 120


def test_eos_not_ignored_ends_early(api):
    api.set_faults("eos-not-ignored")
    assert api.complete("Hello", max_tokens=500, ignore_eos=True)["usage"]["completion_tokens"] < 500


def test_gigantic_answer_is_20_megabytes(api):
    api.set_faults("gigantic-answer")
    assert len(api.message("Hi", max_tokens=1)["content"]) > 20_000_000


def test_endless_stream_goes_on_beyond_max_tokens(api):
    api.set_faults("endless-stream")
    with api.http.stream("POST", "/v1/chat/completions", json=api.say("Hi", stream=True, max_tokens=5)) as response:
        lines = response.iter_lines()
        received = [next(lines) for _ in range(400)]
    assert not any('finish_reason":"' in line for line in received)
    api.wait_until_metric_is("vllm:num_requests_running", 0)


def test_stall_keeps_the_stream_open_and_silent(api):
    api.set_faults("stall")
    body = api.say("Hi", stream=True)
    received: list[str] = []
    with api.http.stream("POST", "/v1/chat/completions", json=body, timeout=httpx.Timeout(60, read=2)) as response:
        lines = response.iter_lines()
        with pytest.raises(httpx.ReadTimeout):
            received.extend(lines)
    assert received
    assert "data: [DONE]" not in received


def read_until_cut(api) -> list[str]:
    received: list[str] = []
    with api.http.stream("POST", "/v1/chat/completions", json=api.say("Hi", stream=True)) as response:
        lines = response.iter_lines()
        with pytest.raises(httpx.RemoteProtocolError):
            received.extend(lines)
    return received


def test_truncated_stream_is_cut_in_its_middle(api):
    api.set_faults("truncated-stream")
    received = read_until_cut(api)
    assert received
    assert "data: [DONE]" not in received


def test_truncated_stream_cuts_a_body_too(api):
    api.set_faults("truncated-stream")
    with pytest.raises(httpx.RemoteProtocolError):
        api.post_chat("Hi")


def read_raw(api, **options):
    return api.http.post("/v1/chat/completions", json=api.say(api.sum_question, stream=True, **options)).content


def test_missing_done_ends_without_it(api):
    api.set_faults("missing-done")
    assert b"[DONE]" not in read_raw(api)


def test_error_in_stream_comes_as_an_event(api):
    api.set_faults("error-in-stream")
    events = read_raw(api).decode().strip().split("\n\n")
    assert json.loads(events[-2].removeprefix("data: "))["error"]["code"] == 500
    assert events[-1] == "data: [DONE]"


def is_json(line: bytes) -> bool:
    try:
        json.loads(line.removeprefix(b"data: "))
    except ValueError:
        return False
    return True


def test_broken_json_is_in_one_event(api):
    api.set_faults("broken-json")
    events = [line for line in read_raw(api).split(b"\n") if line and b"[DONE]" not in line]
    assert [is_json(event) for event in events].count(False) == 1


def test_broken_json_is_in_a_body_too(api):
    api.set_faults("broken-json")
    assert not is_json(api.post_chat("Hi").content)


def test_invalid_utf8_is_in_a_stream(api):
    api.set_faults("invalid-utf8")
    with pytest.raises(UnicodeDecodeError):
        read_raw(api).decode()


def test_invalid_utf8_is_in_a_body_too(api):
    api.set_faults("invalid-utf8")
    with pytest.raises(UnicodeDecodeError):
        api.post_chat("Hi").content.decode()


def test_broken_tool_arguments_are_no_json(api):
    api.set_faults("broken-tool-arguments")
    (call,) = api.message(PARIS, tools=[api.weather])["tool_calls"]
    assert not is_json(call["function"]["arguments"].encode())


def test_missing_usage_is_in_no_body_and_no_stream(api):
    api.set_faults("missing-usage")
    assert "usage" not in api.chat("Hi")
    assert b'"usage"' not in read_raw(api, stream_options={"include_usage": True})


def test_wrong_usage_counts_twice(api):
    right = api.chat("Hi")["usage"]
    api.set_faults("wrong-usage")
    assert api.chat("Hi")["usage"]["completion_tokens"] == 2 * right["completion_tokens"]


def mean_of(api, name):
    return api.read_metric(f"{name}_sum") / api.read_metric(f"{name}_count")


def test_slow_tokens_take_ten_times_as_long(paced_api):
    paced_api.set_faults("slow-tokens")
    paced_api.complete("Hello", max_tokens=5, ignore_eos=True)
    assert mean_of(paced_api, "vllm:inter_token_latency_seconds") == pytest.approx(0.05)


def test_slow_first_token_takes_ten_times_as_long(paced_api):
    paced_api.set_faults("slow-first-token")
    paced_api.complete("Hello", max_tokens=2)
    assert mean_of(paced_api, "vllm:time_to_first_token_seconds") == pytest.approx(0.1)


def test_leaked_requests_run_on_after_the_client_has_gone(paced_api):
    paced_api.set_faults("leaked-requests")
    body = paced_api.say("Hello", ignore_eos=True, max_tokens=2000, stream=True)
    with paced_api.http.stream("POST", "/v1/chat/completions", json=body) as response:
        lines = response.iter_lines()
        next(lines)
    paced_api.http.get("/health")
    assert paced_api.read_metric("vllm:num_requests_running") == 1
