"""The reference deployment's three chat requests, as they stand in its instructions."""

from qwen_infra.verification.asking import ATTEMPTS, Asked, ask, chat_case, expect_thinking
from qwen_infra.verification.case import Case, CaseContext, Outcome
from qwen_infra.verification.conversation import CHINESE_INTRODUCTION, ONE_SENTENCE_SUMMARY
from qwen_infra.verification.expectations import answers_in_chinese

__all__ = ["CASES"]

FAMILY = "reference"
_DEADLINE_S = 300.0


async def _introduce(context: CaseContext) -> Outcome:
    answer = await ask(context, Asked(CHINESE_INTRODUCTION))
    expect_thinking(answer, "default", context, may_be_cut=True)
    answers_in_chinese(answer)
    where = "reasoning, cut at 100 tokens" if not answer.content.strip() else "content"
    return Outcome(detail=f"{answer.usage.completion} tokens, text in {where}", actual=answer.quote())


async def _think(context: CaseContext) -> Outcome:
    # A model that thinks by default gets the reference's very request, which does not mention thinking.
    asked = Asked(ONE_SENTENCE_SUMMARY, thinking="default" if context.thinking_by_default else "on")
    answer = await ask(context, asked)
    expect_thinking(answer, "on", context)
    return Outcome(detail=f"{answer.usage.completion} tokens, thinking in reasoning", actual=answer.quote())


CASES = (
    Case(
        id="chat-chinese-introduction",
        family=FAMILY,
        proves="a chat request with the default settings is answered, in the language of the question",
        asks='POST /v1/chat/completions, 100 tokens: "你好,请介绍一下你自己"',
        expects="thinking as is the model's default, perhaps cut; Chinese characters, unless it was cut",
        guards_against="broken tokenizers, quantizations that answer gibberish, answers that land in `reasoning`",
        deadline_s=60.0,
        run=_introduce,
        level="smoke",
        attempts=ATTEMPTS,
    ),
    Case(
        id="chat-thinking-on",
        family=FAMILY,
        proves="thinking arrives in `reasoning`, apart from the answer in `content`",
        asks='POST /v1/chat/completions, 4096 tokens: "Summarize Qwen3.5 in one sentence."',
        expects="thinking in `reasoning` that ends, then an answer in `content`",
        guards_against="a missing --reasoning-parser, which leaves <think> in the content; endless thinking",
        deadline_s=_DEADLINE_S,
        run=_think,
        level="smoke",
        attempts=ATTEMPTS,
    ),
    chat_case(
        "chat-thinking-off",
        Asked(ONE_SENTENCE_SUMMARY, thinking="off"),
        family=FAMILY,
        proves="`chat_template_kwargs.enable_thinking: false` reaches the chat template and the parser agrees",
        guards_against="a parser that takes the answer for thinking, so that content is empty",
        level="smoke",
        deadline_s=_DEADLINE_S,
    ),
)
