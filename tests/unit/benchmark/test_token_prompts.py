import asyncio
import json
from typing import Any

import pytest
from starlette.responses import JSONResponse

from qwen_infra.benchmark import WORKLOADS, Workload
from qwen_infra.benchmark.prompts.token_ids import Vocabulary, build_token_sessions, find_vocabulary
from qwen_infra.benchmark.workload import Sampling
from qwen_infra.client import Endpoint, HttpStatusError, InferenceClient
from qwen_infra.errors import ConfigurationError
from tests.unit.client.scripted_server import ModelScript, serve_model

SMOKE = WORKLOADS["smoke"]
IDS = Vocabulary(range(300, 900), "test")


def find(script: ModelScript, size: int | None) -> Vocabulary:
    async def ask(url: str) -> Vocabulary:
        async with InferenceClient(Endpoint(url=url, model="qwen3.5")) as client:
            return await find_vocabulary(client, size)

    with serve_model(script) as url:
        return asyncio.run(ask(url))


def bodies(workload: Workload = SMOKE, purpose: str = "measure", count: int = 4, seed: int = 0) -> list[dict[str, Any]]:
    sessions = build_token_sessions(workload, IDS, model="qwen3.5", count=count, purpose=purpose, seed=seed)
    return [json.loads(session.first) for session in sessions]


def prompts(*arguments: Any, **options: Any) -> list[list[int]]:
    return [body["prompt"] for body in bodies(*arguments, **options)]


def test_the_catalogues_vocabulary_is_used_when_the_server_takes_its_last_token():
    vocabulary = find(ModelScript(), 248320)
    assert vocabulary.source == "ids 256 to 247295 of a vocabulary of 248320"
    assert max(vocabulary.token_ids) < 248044  # where Qwen3.5's special tokens begin


def test_a_server_with_a_smaller_vocabulary_is_asked_to_tokenize():
    vocabulary = find(ModelScript(first_refused_token=2048), 248320)
    assert "/tokenize gives for a fixed text, since the server refuses token 248319" in vocabulary.source
    assert max(vocabulary.token_ids) < 2048


def test_an_unknown_vocabulary_is_not_guessed():
    script = ModelScript()
    assert "since the vocabulary size is not known" in find(script, None).source
    assert "/v1/completions" not in script.requests


def test_the_tokenized_text_has_many_different_tokens():
    assert len(find(ModelScript(), None).token_ids) > 50


def test_a_server_that_can_do_neither_is_told_with_both_reasons():
    answers = {"/tokenize": JSONResponse({"detail": "Not Found"}, status_code=404)}
    with pytest.raises(HttpStatusError, match="refuses token 248319, and POST /tokenize answered 404"):
        find(ModelScript(first_refused_token=2048, answers=answers), 248320)


def test_a_broken_server_is_not_taken_for_one_with_a_smaller_vocabulary():
    answers = {"/v1/completions": JSONResponse({"error": {"message": "dead"}}, status_code=500)}
    with pytest.raises(HttpStatusError, match="500"):
        find(ModelScript(answers=answers), 248320)


@pytest.mark.parametrize("payload", [{"tokens": [7]}, {"tokens": None}, [], {"tokens": [True, "a"]}])
def test_too_few_tokens_are_told(payload):
    with pytest.raises(ConfigurationError, match="too few tokens"):
        find(ModelScript(answers={"/tokenize": JSONResponse(payload)}), None)


def test_prompts_have_the_exact_length_and_differ():
    made = prompts()
    assert {len(prompt) for prompt in made} == {64}
    assert len({tuple(prompt) for prompt in made}) == 4


def test_the_seed_decides_the_prompts():
    assert prompts() == prompts()
    assert prompts(seed=1) != prompts()


def test_warm_up_prompts_differ_from_measured_ones():
    assert not {tuple(p) for p in prompts(purpose="warm up")} & {tuple(p) for p in prompts()}


def test_the_request_is_the_one_of_vllm_bench_serve():
    body = bodies(count=1)[0]
    del body["prompt"]
    assert body == {
        "model": "qwen3.5",
        "repetition_penalty": 1.0,
        "max_tokens": 16,
        "stream": True,
        "stream_options": {"include_usage": True},
        "ignore_eos": True,
    }


def test_eos_is_only_ignored_on_request():
    assert "ignore_eos" not in bodies(SMOKE.model_copy(update={"ignore_eos": False}))[0]


def test_sampling_is_sent_only_where_it_is_set():
    greedy = SMOKE.model_copy(update={"sampling": Sampling(temperature=0)})
    assert (bodies(greedy)[0]["temperature"], "top_p" in bodies(greedy)[0]) == (0, False)


def test_prompts_of_one_group_share_their_prefix_and_no_other_does():
    made = prompts(SMOKE.model_copy(update={"prefix_tokens": 40, "num_prefixes": 2}))
    assert made[0][:40] == made[2][:40] != made[1][:40] == made[3][:40]
    assert made[0][40:] != made[2][40:]
    assert {len(prompt) for prompt in made} == {64}


def test_the_warm_up_does_not_fill_the_cache_with_the_shared_prefix():
    shared = SMOKE.model_copy(update={"prefix_tokens": 40})
    assert prompts(shared)[0][:40] != prompts(shared, purpose="warm up")[0][:40]


def test_lengths_are_spread_as_asked_and_never_shorter_than_the_prefix():
    spread = SMOKE.model_copy(update={"length_spread": 0.5, "prefix_tokens": 60})
    made = bodies(spread, count=200)
    assert {min(len(body["prompt"]) for body in made), max(len(body["prompt"]) for body in made)} == {61, 96}
    assert {min(body["max_tokens"] for body in made), max(body["max_tokens"] for body in made)} == {8, 24}
