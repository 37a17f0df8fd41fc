"""Several clients at once: answers stay apart, and whoever hangs up leaves nothing running."""

import asyncio
import time
from dataclasses import replace

from qwen_infra.client import Deadlines, encode_body, parse_event
from qwen_infra.errors import CheckFailedError
from qwen_infra.verification.asking import ATTEMPTS, Asked, ask
from qwen_infra.verification.case import Case, CaseContext, CaseSkippedError, Outcome
from qwen_infra.verification.cases.models_listed import find_card
from qwen_infra.verification.conversation import CODES, SUM, WEATHER_BERLIN, WEATHER_PARIS, echo_code
from qwen_infra.verification.expectations import Expectation, calls, says
from qwen_infra.verification.fields import as_list, as_object

__all__ = ["CASES"]

FAMILY = "load"
_RUNNING = ("vllm:num_requests_running", "vllm:num_requests_waiting")
_LONG_ANSWER = {"messages": [{"role": "user", "content": "Tell me a long story."}], "ignore_eos": True}
LONGEST_ANSWER = 65_536
"""Tokens asked for by the client that hangs up: minutes of work, if nobody ends it."""
SETTLE_SHARE = 1 / 6
"""Of the case's deadline: how long the server may take to end it, 10 s."""
_POLL_S = 0.1


async def _ask_together(context: CaseContext) -> Outcome:
    questions: list[tuple[Asked, Expectation]] = [
        *(
            (Asked(echo_code(code), thinking="off", stream=index % 2 == 0), says(code))
            for index, code in enumerate(CODES)
        ),
        (Asked(WEATHER_BERLIN, thinking="off"), calls({"city": "Berlin"})),
        (Asked(WEATHER_PARIS, thinking="off", stream=True), calls({"city": "Paris"})),
        (Asked(SUM, thinking="on"), says("42")),
        (Asked(SUM, thinking="off", stream=True), says("42")),
    ]
    answers = await asyncio.gather(*(ask(replace(context), asked) for asked, _ in questions))
    for answer, (asked, expect) in zip(answers, questions, strict=True):
        own = asked.body["messages"][-1]["content"]
        strangers = [code for code in CODES if code in answer.content and code not in own]
        if strangers:
            raise CheckFailedError(
                "an answer belongs to another request", expected=own, found=f"the code {strangers[0]}: {answer.quote()}"
            )
        expect(answer)
    return Outcome(detail=f"{len(answers)} answers at once, none mixed up")


class _HungUpError(Exception):
    """Not an error: how the client of this case leaves a stream."""


async def _hang_up(context: CaseContext) -> Outcome:
    if context.through_tunnel:
        raise CaseSkippedError("asked through a port-forward, which does not hand on that a client has left")
    before = await _count_unfinished(context)
    if before:
        raise CaseSkippedError(f"{before:.0f} requests of others are running, so ours cannot be told from them")
    await _leave_after_first_token(context)
    settle_s = context.deadline_s * SETTLE_SHARE
    until = time.perf_counter() + settle_s
    running = before
    while time.perf_counter() < until:
        running = await _count_unfinished(context)
        if not running:
            break
        await asyncio.sleep(_POLL_S)
    if running:
        raise CheckFailedError(
            f"the request of a client that hung up still runs after {settle_s:g} s",
            expected="no request running",
            found=f"{running:.0f} running or waiting",
        )
    return Outcome(detail="nothing runs after the hang-up")


async def _leave_after_first_token(context: CaseContext) -> None:
    def leave(_: float, data: str) -> None:
        choice = as_object(next(iter(as_list(parse_event(data).get("choices"))), None))
        delta = as_object(choice.get("delta"))
        if delta.get("content") or delta.get("reasoning"):
            raise _HungUpError

    length = (await find_card(context)).get("max_model_len")
    max_tokens = min(LONGEST_ANSWER, length // 2) if isinstance(length, int) else LONGEST_ANSWER
    body = {"model": context.endpoint.model, **_LONG_ANSWER, "max_tokens": max_tokens, "stream": True}
    body["chat_template_kwargs"] = {"enable_thinking": False}
    limits = Deadlines(total_s=context.deadline_s)
    try:
        await context.client.stream("/v1/chat/completions", encode_body(body), leave, deadlines=limits)
    except _HungUpError:
        return
    raise CheckFailedError("the answer ended before it could be left", expected="a long answer", found="a short one")


async def _count_unfinished(context: CaseContext) -> float:
    text = await context.client.get_text("/metrics")
    values = [
        float(line.rsplit(" ", 1)[1])
        for line in text.splitlines()
        if line.startswith(_RUNNING) and _is_number(line.rsplit(" ", 1)[-1])
    ]
    if not values:
        raise CaseSkippedError("/metrics does not tell how many requests run")
    return sum(values)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


CASES = (
    Case(
        id="concurrent-answers",
        family=FAMILY,
        proves="eight clients at once, of different kinds, each get their own answer",
        asks="eight chat requests at once: codes to repeat, tools, sums; streamed and whole",
        expects="each answer right, and no code of another request in it",
        guards_against="batching and caches that mix answers up",
        deadline_s=180.0,
        run=_ask_together,
        attempts=ATTEMPTS,
    ),
    Case(
        id="hang-up",
        family=FAMILY,
        proves="the request of a client that hung up is ended",
        asks="POST /v1/chat/completions for a long answer, left after its first token; GET /metrics",
        expects="no request running or waiting within a sixth of the deadline",
        guards_against="gateways that keep answers running for nobody, until the server is full",
        deadline_s=60.0,
        run=_hang_up,
        disturbs_others=True,
    ),
)
