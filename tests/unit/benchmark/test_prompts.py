import asyncio
import json

import pytest
from starlette.responses import JSONResponse

from qwen_infra.benchmark import WORKLOADS, Workload
from qwen_infra.benchmark.prompts import Vocabulary, build_bodies, find_vocabulary
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


def prompts(workload: Workload = SMOKE, purpose: str = "measure", count: int = 4) -> list[list[int]]:
    return [json.loads(body)["prompt"] for body in build_bodies(workload, IDS, model="m", count=count, purpose=purpose)]


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
    assert prompts(SMOKE.model_copy(update={"seed": 1})) != prompts()


def test_warm_up_prompts_differ_from_measured_ones():
    assert not {tuple(p) for p in prompts(purpose="warm up")} & {tuple(p) for p in prompts()}


def test_the_request_is_the_one_of_vllm_bench_serve():
    body = json.loads(build_bodies(SMOKE, IDS, model="qwen3.5", count=1)[0])
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
    assert b"ignore_eos" not in build_bodies(SMOKE.model_copy(update={"ignore_eos": False}), IDS, model="m", count=1)[0]
