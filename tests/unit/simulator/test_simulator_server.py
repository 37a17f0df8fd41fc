"""Paths beside the generation, the API key, refusals, metrics."""

import pytest

BEARER = {"Authorization": "Bearer sk-test"}
PROMPT = {"model": "qwen3.5", "prompt": "Hello"}


def test_the_served_model_is_listed_with_its_root_and_length(api):
    (model,) = api.http.get("/v1/models").json()["data"]
    assert (model["id"], model["root"], model["max_model_len"]) == ("qwen3.5", "/models/qwen", 4096)


def test_the_version_says_that_it_is_a_simulation(api):
    version = api.http.get("/version").json()
    assert (version["version"], version["simulated"]) == ("0.32.0", True)


@pytest.mark.parametrize("path", ["/health", "/ping"])
def test_a_ready_server_is_healthy(api, path):
    assert api.http.get(path).status_code == 200


def test_tokenize_and_detokenize_are_inverse(api):
    tokens = api.http.post("/tokenize", json={"prompt": "Hello, 世界!"}).json()["tokens"]
    assert api.http.post("/detokenize", json={"tokens": tokens}).json() == {"prompt": "Hello, 世界!"}


def test_tokenize_can_show_the_tokens(api):
    body = api.http.post("/tokenize", json={"prompt": "Hello", "return_token_strs": True}).json()
    assert "".join(body["token_strs"]) == "Hello"


def test_an_unknown_path_is_404_in_the_frameworks_words(api):
    response = api.http.get("/nope")
    assert (response.status_code, response.json()) == (404, {"detail": "Not Found"})


def test_a_wrong_method_is_405(api):
    assert api.http.get("/v1/chat/completions").status_code == 405


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"x-api-key": "sk-test"}])
@pytest.mark.parametrize("path", ["/v1/models", "/v2/anything", "/inference/v1/generate", "/cohere/v2/chat"])
def test_a_guarded_path_wants_the_bearer_key(guarded_api, path, headers):
    response = guarded_api.http.get(path, headers=headers)
    assert (response.status_code, response.json()) == (401, {"error": "Unauthorized"})


def test_the_bearer_key_opens_a_guarded_path(guarded_api):
    assert guarded_api.http.get("/v1/models", headers=BEARER).status_code == 200


@pytest.mark.parametrize("path", ["/health", "/ping", "/version", "/metrics", "/load", "/simulator/faults"])
def test_an_open_path_wants_no_key(guarded_api, path):
    assert guarded_api.http.get(path).status_code == 200


def test_invocations_really_answer_without_a_key(guarded_api):
    answer = guarded_api.http.post("/invocations", json=guarded_api.say("Say 'pong'")).json()
    assert "pong" in answer["choices"][0]["message"]["content"]


def test_invocations_complete_a_bare_prompt_too(guarded_api):
    assert guarded_api.http.post("/invocations", json={"prompt": "2 + 3 ="}).json()["choices"][0]["text"] == " 5"


def test_options_are_not_guarded(guarded_api):
    assert guarded_api.http.options("/v1/models").status_code != 401


def test_an_unknown_model_is_404_and_the_served_one_is_named(api):
    response = api.http.post("/v1/chat/completions", json=api.say("Hi") | {"model": "nope"})
    assert response.status_code == 404
    assert response.json()["error"] == {
        "message": "The model `nope` does not exist. Valid aliases: qwen3.5.",
        "type": "NotFoundError",
        "param": "model",
        "code": 404,
    }


def test_a_prompt_longer_than_the_context_is_400_in_vllms_words(api):
    response = api.http.post("/v1/completions", json={"prompt": [5] * 5000})
    error = response.json()["error"]
    assert (response.status_code, error["type"], error["param"]) == (400, "BadRequestError", "input_tokens")
    assert "maximum context length is 4096 tokens. However, your prompt contains 5000 input tokens" in error["message"]


def test_a_prompt_that_fills_the_context_leaves_no_room_for_an_answer(api):
    response = api.http.post("/v1/completions", json={"prompt": [5] * 4096})
    assert "max_tokens must be at least 1, got 0" in response.json()["error"]["message"]


def test_a_prompt_one_token_below_the_context_gets_one_token(api):
    assert api.complete([5] * 4095)["usage"]["completion_tokens"] == 1


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_json_is_400_in_vllms_shape(api, content):
    headers = {"content-type": "application/json"}
    response = api.http.post("/v1/chat/completions", content=content, headers=headers)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "Bad Request"


def test_a_body_of_another_media_type_is_refused(api):
    response = api.http.post("/v1/chat/completions", content=b"{}", headers={"content-type": "text/plain"})
    assert "Unsupported Media Type" in response.json()["error"]["message"]


@pytest.mark.parametrize("body", [[], {}, {"messages": 3}, {"messages": [{}]}, {"messages": []}])
def test_a_body_that_does_not_fit_names_the_place(api, body):
    response = api.http.post("/v1/chat/completions", json=body)
    assert response.status_code == 400
    assert response.json()["error"]["param"].startswith("body")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"temperature": -1}, "temperature must be non-negative"),
        ({"temperature": 3}, "temperature must be in [0, 2]"),
        ({"top_p": 0}, "top_p must be in (0, 1]"),
        ({"max_tokens": 0}, "max_tokens must be at least 1"),
        ({"min_tokens": 5, "max_tokens": 2}, "min_tokens must be less than or equal to max_tokens=2"),
        ({"stop": ""}, "stop cannot contain an empty string"),
        ({"stream_options": {"include_usage": True}}, "can only be defined when `stream=True`"),
        ({"tools": []}, "`tools` must not be an empty array"),
        ({"tool_choice": "auto"}, "`tools` must be set"),
        ({"top_logprobs": 2}, "`logprobs` must be set to true"),
        ({"response_format": {"type": "json_schema"}}, "'json_schema' field must be provided"),
    ],
)
def test_what_vllm_refuses_is_refused_in_its_words(api, options, words):
    response = api.post_chat("Hi", **options)
    assert response.status_code == 400
    assert words in response.json()["error"]["message"]


def test_a_named_tool_that_is_not_given_is_refused(api):
    named = {"type": "function", "function": {"name": "other"}}
    response = api.post_chat("Hi", tools=[api.weather], tool_choice=named)
    assert "does not match any of the specified `tools`" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("n", 2), ("use_beam_search", True), ("prompt_logprobs", 1), ("logit_bias", {"5": 1}), ("echo", True)],
)
def test_what_is_not_simulated_is_refused_and_says_so(api, parameter, value):
    response = api.post_chat("Hi", **{parameter: value})
    error = response.json()["error"]
    assert (response.status_code, error["param"]) == (400, parameter)
    assert "is not simulated" in error["message"]


def test_a_parameter_that_vllm_does_not_know_is_ignored(api):
    assert api.chat("Hi", no_such_parameter=1)["choices"]


def test_the_cache_is_described_as_vllm_does(api):
    (line,) = [row for row in api.http.get("/metrics").text.splitlines() if row.startswith("vllm:cache_config_info{")]
    for label in (
        'block_size="1056"',
        'num_gpu_blocks="6500"',
        "kv_cache_max_concurrency=",
        'mamba_cache_mode="align"',
    ):
        assert label in line


@pytest.mark.parametrize(
    ("metric", "change"),
    [
        ("vllm:prompt_tokens_total", 100),
        ("vllm:generation_tokens_total", 10),
        ("vllm:request_success_total", 1),
        ("vllm:time_to_first_token_seconds_count", 1),
        ("vllm:inter_token_latency_seconds_count", 9),
        ("vllm:request_time_per_output_token_seconds_count", 1),
        ("vllm:e2e_request_latency_seconds_count", 1),
        ("vllm:prefix_cache_queries_total", 100),
        ("vllm:num_preemptions_total", 0),
    ],
)
def test_a_request_is_counted(api, metric, change):
    before = api.read_metric(metric)
    api.complete([9] * 100, max_tokens=10, ignore_eos=True)
    assert api.read_metric(metric) - before == change


def test_histogram_buckets_grow_up_to_their_count(api):
    api.complete("Hello")
    name = "vllm:time_to_first_token_seconds"
    lines = [row for row in api.http.get("/metrics").text.splitlines() if row.startswith(f"{name}_bucket")]
    values = [float(row.rsplit(" ", 1)[1]) for row in lines]
    assert values == sorted(values)
    assert values[-1] == api.read_metric(f"{name}_count")


def test_running_and_waiting_requests_show(paced_api):
    body = {"prompt": ["a"] * 6, "max_tokens": 5000, "ignore_eos": True, "stream": True}
    with paced_api.http.stream("POST", "/v1/completions", json=body) as response:
        lines = response.iter_lines()  # kept: a dropped iterator would close the connection
        next(lines)
        assert paced_api.read_metric("vllm:num_requests_running") == 4
        assert paced_api.read_metric("vllm:num_requests_waiting") == 2
        assert 0 < paced_api.read_metric("vllm:kv_cache_usage_perc") < 1


def test_the_simulation_describes_itself(api):
    body = api.http.get("/simulator").json()
    assert body["profile"]["name"] == "instant"
    assert "no figure from it is a measurement" in body["notice"]
