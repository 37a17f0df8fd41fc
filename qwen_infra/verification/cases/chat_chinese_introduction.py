"""Case ``chat-chinese-introduction``: a short answer in Chinese. The reference's second request."""

from qwen_infra.errors import CheckFailedError
from qwen_infra.verification.answer import ChatAnswer, expect_thinking_off, expect_thinking_on
from qwen_infra.verification.case import Case, CaseContext, Outcome
from qwen_infra.verification.conversation import CHINESE_INTRODUCTION, ask_chat

__all__ = ["CASE"]


async def _run(context: CaseContext) -> Outcome:
    answer = await ask_chat(context, CHINESE_INTRODUCTION)
    if context.thinking_by_default:
        expect_thinking_on(answer, may_be_cut=True)
    else:
        expect_thinking_off(answer)
    _expect_chinese(answer)
    where = "reasoning, cut at 100 tokens" if not answer.content.strip() else "content"
    return Outcome(
        detail=f"{answer.completion_tokens} tokens, text in {where}",
        expected="an answer to a question in Chinese",
        actual=answer.quote(),
    )


def _expect_chinese(answer: ChatAnswer) -> None:
    """A whole answer to a question in Chinese has Chinese characters; a cut one may still be thinking in English."""
    if answer.was_cut or any("\u4e00" <= character <= "\u9fff" for character in answer.content):
        return
    raise CheckFailedError(
        "the answer to a question in Chinese has no Chinese in it", expected="Chinese text", found=answer.quote()
    )


CASE = Case(
    id="chat-chinese-introduction",
    proves="a chat request with the default settings is answered, in the language of the question",
    guards_against="broken tokenizers, quantizations that answer gibberish, answers that land in `reasoning`",
    deadline_s=60.0,
    run=_run,
)
