"""Case ``chat-thinking-off``: answers at once when asked not to think. The reference's fourth request."""

from qwen_infra.verification.answer import expect_thinking_off
from qwen_infra.verification.case import Case, CaseContext, Outcome
from qwen_infra.verification.conversation import ONE_SENTENCE_SUMMARY, ask_chat

__all__ = ["CASE"]


async def _run(context: CaseContext) -> Outcome:
    answer = await ask_chat(context, ONE_SENTENCE_SUMMARY, chat_template_kwargs={"enable_thinking": False})
    expect_thinking_off(answer)
    return Outcome(
        detail=f"{answer.completion_tokens} tokens, no thinking",
        expected="the answer in `content`, no `reasoning`",
        actual=answer.quote(),
    )


CASE = Case(
    id="chat-thinking-off",
    proves="`chat_template_kwargs.enable_thinking: false` reaches the chat template and the parser agrees",
    guards_against="a parser that takes the answer for thinking, so that content is empty",
    deadline_s=300.0,
    run=_run,
)
