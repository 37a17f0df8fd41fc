"""Asking one question as a case wants it: thinking or not, streamed or whole, in which protocol; and the usual case.

``chat_case`` makes most cases of the suite: a conversation, how to ask, what to expect.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from qwen_infra.client import Deadlines, encode_body, parse_event
from qwen_infra.verification.answer import Answer
from qwen_infra.verification.case import Case, CaseContext, Level, Outcome
from qwen_infra.verification.conversation import Body
from qwen_infra.verification.dialect import CHAT, Dialect
from qwen_infra.verification.expectations import Expectation, thinks, thinks_not

__all__ = ["Asked", "Thinking", "ask", "chat_case", "expect_thinking", "stream_deadlines"]

Thinking = Literal["default", "on", "off"]

CHAT_DEADLINE_S = 120.0
ATTEMPTS = 3
PAUSE_SHARE = 0.25


@dataclass(frozen=True)
class Asked:
    """How a question is asked.

    Args:
        body: the chat request.
        thinking: ``default`` leaves it to the server.
        stream: whether the answer is to come in pieces.
        dialect: the protocol.
    """

    body: Body
    thinking: Thinking = "default"
    stream: bool = False
    dialect: Dialect = CHAT

    def write(self, context: CaseContext) -> dict[str, Any]:
        """The request's body."""
        body = {"model": context.endpoint.model, **self.dialect.translate(self.body)}
        if self.thinking != "default":
            body["chat_template_kwargs"] = {"enable_thinking": self.thinking == "on"}
        if context.temperature is not None:
            body["temperature"] = context.temperature
        if self.stream:
            body["stream"] = True
            if self.dialect.can_include_usage:
                body["stream_options"] = {"include_usage": True}
        return body


async def ask(context: CaseContext, asked: Asked) -> Answer:
    """Send the question and read the answer.

    Raises:
        EndpointError: no usable answer came.
        CheckFailedError: what came breaks the protocol or is no sane answer.
    """
    dialect, body = asked.dialect, asked.write(context)
    max_tokens = int(asked.body["max_tokens"])
    if not asked.stream:
        reply = await context.client.post_json(dialect.path, body)
        context.request_id = reply.request_id
        return dialect.read(reply.payload, max_tokens=max_tokens)
    reader = dialect.make_stream(max_tokens=max_tokens)

    def take(_: float, data: str) -> bool:
        event = parse_event(data)
        context.request_id = context.request_id or event.get("id")
        return reader.take(event)

    await context.client.stream(
        dialect.path, encode_body(body), take, deadlines=stream_deadlines(context), end=reader.end
    )
    answer = reader.finish()
    context.request_id = answer.request_id
    return answer


def stream_deadlines(context: CaseContext) -> Deadlines:
    """For a stream: all of the case's time, of which a quarter may pass between two events."""
    whole_s = context.deadline_s
    return Deadlines(first_byte_s=whole_s, between_chunks_s=whole_s * PAUSE_SHARE, total_s=whole_s)


def expect_thinking(answer: Answer, thinking: Thinking, context: CaseContext, *, may_be_cut: bool = False) -> None:
    """Thinking where it was asked for or is the model's default, and none elsewhere.

    Raises:
        CheckFailedError: it is otherwise.
    """
    if thinking == "on" or (thinking == "default" and context.thinking_by_default):
        thinks(answer, may_be_cut=may_be_cut)
    else:
        thinks_not(answer)


def chat_case(  # noqa: PLR0913 - the parts of a case, named at every call
    case_id: str,
    asked: Asked,
    *expectations: Expectation,
    family: str,
    proves: str,
    guards_against: str,
    level: Level = "full",
    deadline_s: float = CHAT_DEADLINE_S,
    must_think: bool = True,
) -> Case:
    """A case that asks one question and expects things of the answer.

    Args:
        case_id: stable id.
        asked: the question and how it is asked.
        expectations: in the order in which they are checked, after the thinking.
        family: what it belongs to.
        proves: what is known once it passed.
        guards_against: the known problem that it would catch.
        level: ``smoke`` when the quickest level holds it too.
        deadline_s: for each attempt.
        must_think: false where even a thinking model may answer at once (a tool's result is there).
    """

    async def run(context: CaseContext) -> Outcome:
        answer = await ask(context, asked)
        if must_think or answer.reasoning.strip():
            expect_thinking(answer, asked.thinking, context)
        for expect in expectations:
            expect(answer)
        return Outcome(detail=_summarize(answer), actual=answer.quote())

    return Case(
        id=case_id,
        family=family,
        proves=proves,
        asks=_describe(asked),
        expects="; ".join([_expect_of_thinking(asked, must_think=must_think), *(each.told for each in expectations)]),
        guards_against=guards_against,
        deadline_s=deadline_s,
        run=run,
        level=level,
        attempts=ATTEMPTS,
    )


def _expect_of_thinking(asked: Asked, *, must_think: bool) -> str:
    if asked.thinking == "off":
        return "no thinking"
    told = "thinking as is the model's default" if asked.thinking == "default" else "thinking in `reasoning`"
    return told if must_think else f"{told}, or none"


def _describe(asked: Asked) -> str:
    parts = [f"POST {asked.dialect.path}", f"thinking {asked.thinking}", "streamed" if asked.stream else "whole"]
    choice = asked.body.get("tool_choice")
    if choice is not None:
        parts.append(f"tool_choice {choice if isinstance(choice, str) else choice['function']['name']}")
    parts += [key for key in ("response_format", "structured_outputs", "stop", "logprobs") if key in asked.body]
    return f'{", ".join(parts)}: "{asked.body["messages"][-1]["content"]}"'


def _summarize(answer: Answer) -> str:
    parts: Sequence[str] = (
        f"{answer.usage.completion} tokens",
        "thinking in reasoning" if answer.reasoning.strip() else "no thinking",
        f"{len(answer.tool_calls)} calls" if answer.tool_calls else "",
    )
    return ", ".join(part for part in parts if part)
