"""The same conversations in the other protocols: OpenAI's Responses, Anthropic's Messages, plain completions."""

from itertools import product

from qwen_infra.client import encode_body, parse_event
from qwen_infra.errors import CheckFailedError
from qwen_infra.verification.asking import Asked, chat_case, stream_deadlines
from qwen_infra.verification.case import Case, CaseContext, Outcome
from qwen_infra.verification.cases.thinking import FORMS
from qwen_infra.verification.conversation import ANSWER_AFTER_RESULT, SUM, SYSTEM_ORDER, WEATHER_BERLIN
from qwen_infra.verification.dialect import MESSAGES, RESPONSES
from qwen_infra.verification.expectations import calls, calls_nothing, ends_with, says
from qwen_infra.verification.fields import as_list, as_object, text_of
from qwen_infra.verification.messages import to_messages_request

__all__ = ["CASES"]

FAMILY = "protocols"
COMPLETION_TOKENS = 16
_COMPLETION = {"prompt": "The capital of France is", "max_tokens": COMPLETION_TOKENS, "ignore_eos": True}
_TOOLS = {**WEATHER_BERLIN, "tool_choice": "auto"}
_RESULT = {**ANSWER_AFTER_RESULT, "tool_choice": "auto"}
_DIALECTS = (("responses", RESPONSES), ("messages", MESSAGES))
_CLIENTS = {"responses": "OpenAI's newer clients", "messages": "Anthropic's clients, such as Claude Code"}


async def _complete(context: CaseContext) -> Outcome:
    reply = await context.client.post_json("/v1/completions", {"model": context.endpoint.model, **_COMPLETION})
    context.request_id = reply.request_id
    body = as_object(reply.payload)
    choice = as_object(next(iter(as_list(body.get("choices"))), None))
    return _judge_completion(text_of(choice, "text"), as_object(body.get("usage")), choice.get("finish_reason"))


async def _stream_completion(context: CaseContext) -> Outcome:
    texts: list[str] = []
    usage: dict[str, object] = {}
    reasons: list[object] = []

    def take(_: float, data: str) -> None:
        event = parse_event(data)
        context.request_id = context.request_id or event.get("id")
        usage.update(as_object(event.get("usage")))
        for choice in map(as_object, as_list(event.get("choices"))):
            texts.append(text_of(choice, "text"))
            reasons.append(choice.get("finish_reason"))
        if len(texts) > 2 * COMPLETION_TOKENS:
            raise CheckFailedError("the stream goes on beyond max_tokens", expected=COMPLETION_TOKENS, found=len(texts))

    body = {"model": context.endpoint.model, **_COMPLETION, "stream": True, "stream_options": {"include_usage": True}}
    await context.client.stream("/v1/completions", encode_body(body), take, deadlines=stream_deadlines(context))
    return _judge_completion("".join(texts), usage, reasons[-1] if reasons else None)


def _judge_completion(text: str, usage: dict[str, object], finish_reason: object) -> Outcome:
    if not text.strip():
        raise CheckFailedError("the completion has no text", expected="some text", found=repr(text))
    if usage.get("completion_tokens") != COMPLETION_TOKENS or finish_reason != "length":
        raise CheckFailedError(
            "ignore_eos and max_tokens did not decide the length",
            expected=f"finish_reason length after {COMPLETION_TOKENS} tokens",
            found=f"{finish_reason} after {usage.get('completion_tokens')}",
        )
    return Outcome(detail=f"{COMPLETION_TOKENS} tokens", actual=text)


async def _count_tokens(context: CaseContext) -> Outcome:
    whole = to_messages_request(SUM)
    body = {"model": context.endpoint.model, "messages": whole["messages"]}
    reply = await context.client.post_json("/v1/messages/count_tokens", body)
    counted = as_object(reply.payload).get("input_tokens")
    answer = await context.client.post_json("/v1/messages", {**body, "max_tokens": 1})
    used = as_object(as_object(answer.payload).get("usage")).get("input_tokens")
    if not isinstance(counted, int) or counted < 1 or counted != used:
        raise CheckFailedError("the count is not the one that a request has", expected=used, found=counted)
    return Outcome(detail=f"{counted} tokens counted")


CASES = (
    *(
        case
        for (name, dialect), (ending, stream) in product(_DIALECTS, FORMS)
        for case in (
            chat_case(
                f"{name}{ending}",
                Asked(SUM, stream=stream, dialect=dialect),
                says("42"),
                ends_with("stop"),
                family=FAMILY,
                proves=f"{dialect.path} answers {_CLIENTS[name]}{', in a stream' if stream else ''}",
                guards_against="clients that refuse an event out of order or a missing key",
            ),
            chat_case(
                f"{name}-tools{ending}",
                Asked(_TOOLS, stream=stream, dialect=dialect),
                calls({"city": "Berlin"}),
                ends_with("tool_calls"),
                family=FAMILY,
                proves=f"{dialect.path} hands out tool calls{', in a stream' if stream else ''}",
                guards_against="agents that see text where a call should be",
            ),
            chat_case(
                f"{name}-result{ending}",
                Asked(_RESULT, stream=stream, dialect=dialect),
                calls_nothing,
                says("21"),
                ends_with("stop"),
                family=FAMILY,
                proves=f"{dialect.path} hands the result of a tool to the model{', in a stream' if stream else ''}",
                guards_against="agents that call the same tool for ever, since its result got lost in the translation",
                must_think=False,
            ),
        )
    ),
    *(
        chat_case(
            f"{name}-system-prompt",
            Asked(SYSTEM_ORDER, dialect=dialect),
            says("AMBER"),
            family=FAMILY,
            proves=f"the system prompt reaches the model through {dialect.path}, where it is no message",
            guards_against="agents whose instructions get lost in the translation",
        )
        for name, dialect in _DIALECTS
    ),
    Case(
        id="messages-count-tokens",
        family=FAMILY,
        proves="/v1/messages/count_tokens counts what /v1/messages then uses",
        asks="POST /v1/messages/count_tokens, then /v1/messages with the same",
        expects="the same `input_tokens` twice",
        guards_against="Claude Code compacting at the wrong moment",
        deadline_s=60.0,
        run=_count_tokens,
    ),
    Case(
        id="completion",
        family=FAMILY,
        proves="/v1/completions continues a prompt and obeys ignore_eos and max_tokens",
        asks="POST /v1/completions, ignore_eos, 16 tokens",
        expects="text; finish_reason length after 16 tokens",
        guards_against="benchmarks whose answers are shorter than they claim",
        deadline_s=60.0,
        run=_complete,
    ),
    Case(
        id="completion-stream",
        family=FAMILY,
        proves="/v1/completions streams, with the counts at its end",
        asks="POST /v1/completions, ignore_eos, 16 tokens, streamed",
        expects="text; finish_reason length after 16 tokens, counted in the last event",
        guards_against="benchmarks that count tokens which never came",
        deadline_s=60.0,
        run=_stream_completion,
    ),
)
