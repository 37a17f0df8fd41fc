"""The load's shape on a clock that jumps: rates, concurrency, ramps, pauses, and what is noted of each answer."""

import asyncio
import json
from typing import Any

import pytest

from qwen_infra.benchmark import Workload
from qwen_infra.benchmark.load import LoadOutcome, generate_load
from qwen_infra.benchmark.prompts.session import Session
from qwen_infra.client import ConnectionFailedError, Deadlines, HttpStatusError, OnEvent
from tests.unit.benchmark.virtual_time import plan_load, run

ANSWER_S = 1.0


class ScriptedClient:
    """Answers each request with two chunks, ANSWER_S after it was sent; or with an error."""

    def __init__(self, error: Exception | None = None, *, fail_from: int = 0, events: list[str] | None = None) -> None:
        self.sent: list[tuple[float, bytes]] = []
        self.running = self.most_running = 0
        self._error, self._fail_from = error, fail_from
        self._events = events or ['{"choices": [{"text": "a"}]}', '{"choices": [{"text": "b"}]}']

    async def stream(self, path: str, body: bytes, on_event: OnEvent, *, deadlines: Deadlines) -> None:
        now = asyncio.get_running_loop().time
        self.sent.append((now(), body))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await asyncio.sleep(ANSWER_S)
            if self._error is not None and len(self.sent) > self._fail_from:
                raise self._error
            for event in self._events:
                on_event(now(), event)
        finally:
            self.running -= 1


def load(client: ScriptedClient, sessions: list[Session] | None = None, **values: Any) -> LoadOutcome:
    workload = Workload.model_validate({"input_tokens": 4, "output_tokens": 2, "num_prompts": 8, **values})
    plan = plan_load(workload, sessions)
    return run(generate_load(client, plan, stop=asyncio.Event(), progress=lambda _: None))


def since_first(client: ScriptedClient) -> list[float]:
    return [at_s - client.sent[0][0] for at_s, _ in client.sent]


def test_a_constant_rate_is_kept_however_slow_the_answers_are():
    client = ScriptedClient()
    outcome = load(client, request_rate=4.0, burstiness=None)
    assert since_first(client) == pytest.approx([place * 0.25 for place in range(8)])
    assert outcome.duration_s == pytest.approx(8 * 0.25 + ANSWER_S)


def test_concurrency_is_kept_full_and_never_exceeded():
    client = ScriptedClient()
    outcome = load(client, max_concurrency=3)
    assert client.most_running == 3
    assert outcome.duration_s == pytest.approx(3 * ANSWER_S)
    assert [round(trace.queued_s) for trace in outcome.traces] == [0, 0, 0, 1, 1, 1, 2, 2]


def test_rate_and_concurrency_together_bound_each_other():
    client = ScriptedClient()
    load(client, request_rate=100.0, burstiness=None, max_concurrency=2)
    assert client.most_running == 2
    assert since_first(client)[-1] == pytest.approx(3 * ANSWER_S, abs=0.1)


def test_concurrency_rises_evenly_over_its_ramp():
    client = ScriptedClient()
    load(client, max_concurrency=4, concurrency_ramp_s=0.6)
    assert since_first(client)[:4] == pytest.approx([0.0, 0.2, 0.4, 0.6])


def test_a_rate_ramp_sends_faster_and_faster():
    client = ScriptedClient()
    load(client, num_prompts=3, rate_ramp={"start": 1, "end": 4}, burstiness=None)
    assert since_first(client) == pytest.approx([0, 1 / 2.5, 1 / 2.5 + 1 / 4])


def test_a_conversation_waits_for_each_answer_and_its_pause():
    client = ScriptedClient()
    heard: list[list[str]] = []

    def next_body(answers: Any) -> bytes:
        heard.append(list(answers))
        return b"next"

    session = Session(b"first", 4, 2, turns=3, next_body=next_body)
    outcome = load(client, [session], num_prompts=1, api="chat", turns=3, turn_pause_s=0.5)
    assert since_first(client) == pytest.approx([0, 1.5, 3.0])
    assert heard == [["ab"], ["ab", "ab"]]
    assert [trace.turn for trace in outcome.traces] == [0, 1, 2]


def test_turns_after_a_failed_one_failed_with_it():
    client = ScriptedClient(HttpStatusError("answered 500", status=500, server_message=""), fail_from=1)
    session = Session(b"first", 4, 2, turns=3, next_body=lambda _: b"next")
    outcome = load(client, [session], num_prompts=1, api="chat", turns=3)
    assert [trace.error_kind for trace in outcome.traces] == [None, "http_status", "http_status"]
    assert outcome.traces[2].error == "an earlier turn of its conversation failed: answered 500"
    assert len(client.sent) == 2


def test_a_server_that_refuses_ten_connections_in_a_row_is_given_up():
    client = ScriptedClient(ConnectionFailedError("no connection"))
    outcome = load(client, num_prompts=50, max_concurrency=1)
    assert outcome.stopped_because == "the server refused 10 connections in a row"
    assert (len(client.sent), len(outcome.traces)) == (10, 50)


@pytest.mark.parametrize(
    ("event", "reasoning", "content"),
    [
        ('{"choices": [{"delta": {"role": "assistant", "content": ""}}]}', False, False),
        ('{"choices": [{"delta": {"reasoning": "hm"}}]}', True, False),
        ('{"choices": [{"delta": {"content": "yes"}}]}', False, True),
        ('{"choices": [{"delta": {"tool_calls": [{"index": 0}]}}]}', False, True),
        ('{"choices": [{"text": "yes"}]}', False, True),
    ],
)
def test_what_an_event_brings_first_is_noted(event, reasoning, content):
    trace = load(ScriptedClient(events=[event]), num_prompts=1).traces[0]
    assert (trace.first_reasoning_s is not None, trace.first_content_s is not None) == (reasoning, content)
    assert (trace.is_completed, len(trace.chunk_times_s)) == (True, 1)


def test_the_servers_counts_replace_ours():
    counts = {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 8}}
    usage = json.dumps({"choices": [], "usage": counts})
    trace = load(ScriptedClient(events=['{"choices": [{"text": "a"}]}', usage]), num_prompts=1).traces[0]
    assert (trace.prompt_tokens, trace.output_tokens, trace.cached_tokens) == (9, 3, 8)


@pytest.mark.parametrize("usage", ["7", '{"completion_tokens": "many"}', '{"prompt_tokens_details": 3}'])
def test_a_usage_that_makes_no_sense_is_passed_over(usage):
    events = ['{"choices": [{"text": "a"}]}', f'{{"choices": [], "usage": {usage}}}']
    trace = load(ScriptedClient(events=events), num_prompts=1).traces[0]
    assert (trace.output_tokens, trace.output_length) == (None, 1)


@pytest.mark.parametrize("choices", ["[null]", '{"text": "a"}', '[{"delta": "a"}]'])
def test_an_event_of_another_form_fails_its_request_and_no_other(choices):
    outcome = load(ScriptedClient(events=[f'{{"choices": {choices}}}']))
    assert [trace.error_kind for trace in outcome.traces] == ["protocol"] * 8
    assert outcome.stopped_because is None
