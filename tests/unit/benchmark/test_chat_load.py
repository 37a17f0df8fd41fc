"""Chat workloads against a real simulator over HTTP: lengths, thinking, tools, conversations, data sets."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse

from qwen_infra.benchmark import BenchmarkOptions, BenchmarkResult, Workload, build_workload, run_benchmark
from qwen_infra.benchmark.prompts import PromptSet, prepare_prompts
from qwen_infra.benchmark.prompts.words import LocalTokenizer, Words
from qwen_infra.benchmark.trace import RequestTrace
from qwen_infra.client import Endpoint, InferenceClient
from qwen_infra.errors import ConfigurationError
from qwen_infra.simulator import INSTANT, SimulatorSettings
from tests.unit.benchmark.notes import own_notes
from tests.unit.client.scripted_server import ModelScript, serve_model
from tests.unit.simulator.conftest import LiveServer

CHAT = Workload(
    name="chat", api="chat", input_tokens=300, output_tokens=12, num_prompts=4, max_concurrency=2, ignore_eos=True
)


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    with LiveServer(SimulatorSettings(profile=INSTANT, max_model_len=8192)) as server:
        yield server.url


def run(url: str, workload: Workload, **options: Any) -> tuple[BenchmarkResult, list[RequestTrace]]:
    traces: list[RequestTrace] = []
    chosen = BenchmarkOptions(keep_traces=traces.extend, **options)
    endpoint = Endpoint(url=url, model="qwen3.5")
    return asyncio.run(run_benchmark(endpoint, workload, vocabulary_size=248320, options=chosen)), traces


def change(**values: Any) -> Workload:
    return build_workload({**CHAT.model_dump(exclude={"name"}), **values})


def test_chat_prompts_have_the_exact_length_by_the_servers_count(simulator):
    result, traces = run(simulator, CHAT)
    assert (result.failed, own_notes(result), result.backend) == (0, (), "openai-chat")
    assert {trace.prompt_tokens for trace in traces} == {300}
    assert "words of one token each, by the server's /tokenize" in result.prompts


def test_the_template_counts_with_thinking_and_tools(simulator):
    for values in ({"thinking": False}, {"thinking": True}, {"tools": "auto", "input_tokens": 900}):
        result, traces = run(simulator, change(**values))
        assert own_notes(result) == ()
        assert {trace.prompt_tokens for trace in traces} == {result.workload.input_tokens}


def test_a_completion_as_text_has_the_exact_length_by_the_servers_count(simulator):
    workload = build_workload({"preset": "smoke", "prompt_form": "text", "prefix_tokens": 20})
    result, traces = run(simulator, workload)
    assert (result.failed, own_notes(result), result.backend) == (0, (), "openai")
    assert {trace.prompt_tokens for trace in traces} == {64}
    assert "words of one token each" in result.prompts


def test_text_is_refused_where_prompts_are_text_anyway():
    with pytest.raises(ConfigurationError, match="prompt_form: text is for random prompts over completions"):
        change(prompt_form="text")


def test_a_prompt_that_the_template_fills_is_refused_with_what_is_needed(simulator):
    with pytest.raises(ConfigurationError, match=r"leave no token of the prompt's own \(found 10, expected more than"):
        run(simulator, change(input_tokens=10))


def test_thinking_shows_in_the_time_to_the_first_reasoning(simulator):
    thinking, _ = run(simulator, change(thinking=True, ignore_eos=False, output_tokens=400))
    plain, _ = run(simulator, change(thinking=False, ignore_eos=False, output_tokens=400))
    assert thinking.value("mean_ttft_reasoning_ms") is not None
    assert plain.value("mean_ttft_reasoning_ms") is None
    assert plain.value("mean_ttft_content_ms") is not None


def test_a_conversation_grows_by_its_answers_and_its_turns(simulator):
    result, traces = run(simulator, change(turns=3, turn_tokens=50, thinking=False))
    assert (result.completed, result.failed, result.num_prompts) == (12, 0, 4)
    by_turn = {turn: {trace.prompt_tokens for trace in traces if trace.turn == turn} for turn in range(3)}
    assert by_turn[0] == {300}
    assert min(by_turn[1]) > 350
    assert min(by_turn[2]) > min(by_turn[1]) + 50


def test_a_shared_prefix_is_the_same_text_for_all(simulator):
    async def make(url: str) -> PromptSet:
        async with InferenceClient(Endpoint(url=url, model="qwen3.5")) as client:
            return await prepare_prompts(client, change(prefix_tokens=200), vocabulary_size=None)

    prompts = asyncio.run(make(simulator))
    texts = [json.loads(s.first)["messages"][0]["content"] for s in prompts.build_sessions(count=3, seed=0)]
    heads = {text[:400] for text in texts}
    assert (len(heads), len(set(texts))) == (1, 3)


def test_repeats_have_seeds_of_their_own_and_give_a_noise_band(simulator):
    result, _ = run(simulator, change(repeats=3, seed=5))
    assert [repeat.seed for repeat in result.repeats] == [5, 6, 7]
    least, most = result.noise["output_throughput"]
    assert least <= (result.output_throughput or 0) <= most


def test_the_server_side_stands_beside_the_clients(simulator):
    result, _ = run(simulator, CHAT)
    assert result.server is not None
    assert (result.server.requests_finished, result.server.generation_tokens) == (4, 48)
    assert result.definitions["server_queue_ms"] == "server-queue.mean.v1"
    assert BenchmarkResult.model_validate_json(result.model_dump_json()) == result


def test_a_data_set_is_sent_as_it_is(simulator, tmp_path: Path):
    lines = [{"prompt": f"Question {number}?", "output_tokens": 5} for number in range(3)]
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines))
    result, _ = run(simulator, change(prompts="jsonl", dataset=path, num_prompts=6))
    assert (result.completed, result.total_output_tokens) == (6, 30)
    assert result.prompts.startswith("3 of 3 prompts of questions.jsonl (sha256 ")
    completions, _ = run(simulator, change(api="completions", prompts="jsonl", dataset=path))
    assert completions.completed == 4


def test_a_data_set_of_long_prompts_only_is_told(simulator, tmp_path: Path):
    path = tmp_path / "long.jsonl"
    path.write_text(json.dumps({"prompt": "x" * 4000}))
    with pytest.raises(ConfigurationError, match="no prompt of the data set has at most 300 tokens"):
        run(simulator, change(prompts="jsonl", dataset=path))


def test_without_a_tokenizer_words_are_calibrated_and_the_result_says_so():
    """Three tokens a word by this server's usage, and no /tokenize."""

    def count(body: dict[str, Any]) -> dict[str, Any]:
        script.usage = {"prompt_tokens": 7 + 3 * body["messages"][0]["content"].count(" ")}
        return {"content": "a"}

    script = ModelScript(message=count, answers={"/tokenize": JSONResponse({"detail": "Not Found"}, status_code=404)})

    async def make(url: str) -> PromptSet:
        async with InferenceClient(Endpoint(url=url, model="qwen3.5")) as client:
            return await prepare_prompts(client, CHAT, vocabulary_size=None)

    with serve_model(script) as url:
        prompts = asyncio.run(make(url))
    assert prompts.source.startswith("calibrated: 3.00 tokens a word by the server's usage, so lengths are about right")
    assert prompts.words is not None
    assert prompts.words.tokens_each == pytest.approx(3)


def write_tokenizer(folder: Path) -> Path:
    from tokenizers import Tokenizer, models, pre_tokenizers

    spoken = ["the", "old", "man", "sat", "on", "his", "boat", "and", "saw", "that", "it", "was", "not", "there"]
    words = ["Say", ":", *(f"Ġ{word}" for word in spoken)]
    vocabulary = {word: number for number, word in enumerate([*(chr(300 + n) for n in range(256)), *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=":"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def test_a_models_folder_gives_words_and_token_ids(simulator, tmp_path: Path):
    folder = write_tokenizer(tmp_path)
    result, _ = run(simulator, CHAT, tokenizer=folder)
    assert f"by the tokenizer in {tmp_path.name}" in result.prompts
    completions, traces = run(simulator, change(api="completions"), tokenizer=folder)
    assert completions.prompts.startswith("ids 256 to ")
    assert {trace.prompt_tokens for trace in traces} == {300}


@pytest.mark.parametrize("content", [None, "{"])
def test_a_folder_without_a_readable_tokenizer_is_told(tmp_path: Path, content):
    if content:
        (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(ConfigurationError, match="tokenizer"):
        LocalTokenizer(tmp_path)


def test_words_make_the_asked_number_of_tokens():
    import random

    text = Words(("a", "b"), 2.0, "test").make(10, random.Random(0))
    assert text.count(" ") == 5
