import pytest


def test_a_prompt_of_token_ids_has_exactly_their_number(api):
    usage = api.complete([5] * 3000, max_tokens=4)["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (3000, 4)


def test_a_text_prompt_is_counted_as_tokenize_counts_it(api):
    counted = api.http.post("/tokenize", json={"prompt": "Hello, world"}).json()["count"]
    assert api.complete("Hello, world")["usage"]["prompt_tokens"] == counted


def test_sixteen_tokens_are_the_default(api):
    assert api.complete("Hello", ignore_eos=True)["usage"]["completion_tokens"] == 16


def test_an_answer_has_the_keys_of_vllm(api):
    body = api.complete("Hello")
    assert body["object"] == "text_completion"
    assert set(body) == {
        *("id", "object", "created", "model", "choices", "service_tier", "system_fingerprint", "usage"),
        *("kv_transfer_params", "ec_transfer_params", "metrics"),
    }


def test_a_sum_is_continued_with_its_value(api):
    choice = api.complete("2 + 3 =")["choices"][0]
    assert (choice["text"], choice["finish_reason"]) == (" 5", "stop")


@pytest.mark.parametrize("prompts", [["2 + 3 =", "4 + 5 ="], [[11, 12], [13, 14, 15]]])
def test_several_prompts_give_one_choice_each(api, prompts):
    choices = api.complete(prompts)["choices"]
    assert [choice["index"] for choice in choices] == [0, 1]


def test_a_stream_has_one_event_for_each_token(api):
    body = {"prompt": [7] * 100, "max_tokens": 20, "ignore_eos": True, "stream_options": {"include_usage": True}}
    events = api.events("/v1/completions", body)
    assert len(events) == 21
    assert events[-1]["usage"] == {"prompt_tokens": 100, "total_tokens": 120, "completion_tokens": 20}


def test_a_stream_says_what_a_body_says(api):
    events = api.events("/v1/completions", {"prompt": "Tell me more", "max_tokens": 50})
    text = "".join(event["choices"][0]["text"] for event in events)
    assert text == api.complete("Tell me more", max_tokens=50)["choices"][0]["text"]


def test_a_stream_of_several_prompts_carries_their_indexes(api):
    events = api.events("/v1/completions", {"prompt": ["2 + 3 =", "4 + 5 ="]})
    texts = {0: "", 1: ""}
    for event in events:
        texts[event["choices"][0]["index"]] += event["choices"][0]["text"]
    assert texts == {0: " 5", 1: " 9"}


def test_log_probabilities_cover_every_token(api):
    logprobs = api.complete("Hello", max_tokens=5, ignore_eos=True, logprobs=2)["choices"][0]["logprobs"]
    assert [len(logprobs[key]) for key in ("tokens", "token_logprobs", "top_logprobs", "text_offset")] == [5] * 4


def test_streamed_text_offsets_go_on_from_event_to_event(api):
    body = {"prompt": "Hello", "max_tokens": 5, "logprobs": 1}
    offsets = [event["choices"][0]["logprobs"]["text_offset"][0] for event in api.events("/v1/completions", body)]
    assert offsets == sorted(set(offsets))


@pytest.mark.parametrize("prompt", [None, "", [], [[]], [-1], [248320]])
def test_a_prompt_that_cannot_be_served_is_refused(api, prompt):
    response = api.http.post("/v1/completions", json={"prompt": prompt})
    assert response.status_code == 400
    assert response.json()["error"]["message"]


def test_a_repeated_long_prompt_hits_the_prefix_cache(api):
    before = api.read_metric("vllm:prefix_cache_hits_total")
    prompt = list(range(1000, 3500))
    api.complete(prompt)
    api.complete(prompt)
    assert api.read_metric("vllm:prefix_cache_hits_total") - before == 2112  # two whole blocks of 1056
