"""Case ``chat-thinking-on``: thinks, then answers. The reference's third request."""

from qwen_infra.verification.answer import expect_thinking_on
from qwen_infra.verification.case import Case, CaseContext, Outcome
from qwen_infra.verification.conversation import ONE_SENTENCE_SUMMARY, ask_chat

__all__ = ["CASE"]


async def _run(context: CaseContext) -> Outcome:
    # A model that thinks by default gets the reference's very request, which does not mention thinking.
    extra = {} if context.thinking_by_default else {"chat_template_kwargs": {"enable_thinking": True}}
    answer = await ask_chat(context, ONE_SENTENCE_SUMMARY, **extra)
    expect_thinking_on(answer, may_be_cut=False)
    return Outcome(
        detail=f"{answer.completion_tokens} tokens, thinking in reasoning",
        expected="thinking in `reasoning`, the answer in `content`",
        actual=answer.quote(),
    )


CASE = Case(
    id="chat-thinking-on",
    proves="thinking arrives in `reasoning`, apart from the answer in `content`",
    guards_against="a missing --reasoning-parser, which leaves <think> in the content; endless thinking",
    deadline_s=300.0,
    run=_run,
)
