"""Where an answer must end: stop strings, max_tokens, the end of the context."""

from typing import Any

from qwen_infra.client import EndpointError, HttpStatusError
from qwen_infra.errors import CheckFailedError
from qwen_infra.verification.asking import Asked, chat_case
from qwen_infra.verification.case import Case, CaseContext, CaseSkippedError, Outcome
from qwen_infra.verification.cases.models_listed import find_card
from qwen_infra.verification.cases.thinking import FORMS
from qwen_infra.verification.conversation import COUNT
from qwen_infra.verification.expectations import stops_before, was_cut_at
from qwen_infra.verification.fields import as_list, as_object

__all__ = ["CASES"]

FAMILY = "limits"
CUT_TOKENS = 8
ANSWER_TOKENS = 8
"""Room that the longest prompt leaves for its answer."""
_COMPLETIONS = "/v1/completions"
_FILLER = "The quick brown fox jumps over the lazy dog. "


async def _fill_context(context: CaseContext) -> Outcome:
    length, prompt = await _make_prompt(context, beyond=-ANSWER_TOKENS)
    reply = await context.client.post_json(_COMPLETIONS, _complete(context, prompt))
    context.request_id = reply.request_id
    usage = as_object(as_object(reply.payload).get("usage"))
    counts = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
    if counts != (len(prompt), ANSWER_TOKENS):
        raise CheckFailedError(
            "the longest prompt was not answered in full",
            expected=f"{len(prompt)} + {ANSWER_TOKENS} tokens",
            found=f"{counts[0]} + {counts[1]}",
        )
    return Outcome(detail=f"{len(prompt)} of {length} tokens answered")


async def _overfill_context(context: CaseContext) -> Outcome:
    length, prompt = await _make_prompt(context, beyond=1)
    expected = "400 with a message that names the length"
    try:
        reply = await context.client.post_json(_COMPLETIONS, _complete(context, prompt))
    except HttpStatusError as error:
        if error.status != 400 or str(length) not in error.server_message:
            raise CheckFailedError(
                f"a prompt of {length + 1} tokens was answered {error.status}",
                expected=expected,
                found=error.server_message or "no message",
            ) from error
        return Outcome(detail=f"400 above {length} tokens", actual=error.server_message)
    raise CheckFailedError(f"a prompt of {length + 1} tokens was answered {reply.status}", expected=expected, found=200)


async def _make_prompt(context: CaseContext, *, beyond: int) -> tuple[int, list[int]]:
    """The context's length, and token ids of a text that is ``beyond`` tokens longer than it."""
    length = (await find_card(context)).get("max_model_len")
    if not isinstance(length, int):
        raise CaseSkippedError("/v1/models does not say max_model_len")
    try:
        reply = await context.client.post_json("/tokenize", {"model": context.endpoint.model, "prompt": _FILLER * 8})
    except EndpointError as error:
        raise CaseSkippedError(f"without /tokenize no prompt of an exact length can be made: {error.what}") from error
    tokens = [token for token in as_list(as_object(reply.payload).get("tokens")) if isinstance(token, int)]
    if not tokens:
        raise CheckFailedError("/tokenize answered no tokens", expected="a list of ids", found=reply.payload)
    wanted = length + beyond
    return length, (tokens * (wanted // len(tokens) + 1))[:wanted]


def _complete(context: CaseContext, prompt: list[int]) -> dict[str, Any]:
    body = {"model": context.endpoint.model, "prompt": prompt, "max_tokens": ANSWER_TOKENS, "ignore_eos": True}
    return body if context.temperature is None else {**body, "temperature": context.temperature}


CASES = (
    *(
        chat_case(
            f"stop-string{ending}",
            Asked({**COUNT, "stop": ["5"]}, thinking="off", stream=stream),
            stops_before("5", after="4"),
            family=FAMILY,
            proves="a stop string ends the answer and is not part of it",
            guards_against="agents that read on behind their own delimiter",
        )
        for ending, stream in FORMS
    ),
    *(
        chat_case(
            f"max-tokens{ending}",
            Asked({**COUNT, "max_tokens": CUT_TOKENS}, thinking="off", stream=stream),
            was_cut_at(CUT_TOKENS),
            family=FAMILY,
            proves="max_tokens cuts the answer at that token, and finish_reason says so",
            guards_against="limits that are ignored, and wrong token counts",
        )
        for ending, stream in FORMS
    ),
    Case(
        id="context-near-limit",
        family=FAMILY,
        proves="a prompt that leaves room for eight tokens of the context is answered with eight tokens",
        asks="POST /v1/completions with max_model_len - 8 token ids",
        expects="as many prompt tokens counted as sent, and eight of the answer",
        guards_against="a context length that the memory cannot hold; crashes with long prompts",
        deadline_s=300.0,
        run=_fill_context,
    ),
    Case(
        id="context-above-limit",
        family=FAMILY,
        proves="a prompt one token longer than the context is refused with 400 and a message that names the length",
        asks="POST /v1/completions with max_model_len + 1 token ids",
        expects="400 with a message that names max_model_len",
        guards_against="a dead engine, or an error 500, where the client has to shorten its prompt",
        deadline_s=120.0,
        run=_overfill_context,
    ),
)
