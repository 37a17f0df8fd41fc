"""What the model is told reaches it: languages, the system prompt, earlier turns."""

from qwen_infra.verification.asking import Asked, chat_case
from qwen_infra.verification.conversation import (
    CHINESE_CAPITAL,
    CHINESE_INTRODUCTION,
    ENGLISH_CAPITAL,
    REMEMBERED,
    SYSTEM_ORDER,
)
from qwen_infra.verification.expectations import answers_in_chinese, says

__all__ = ["CASES"]

FAMILY = "conversation"
_CHINESE = {**CHINESE_INTRODUCTION, "max_tokens": 256}

CASES = (
    chat_case(
        "language-english",
        Asked(ENGLISH_CAPITAL, thinking="off"),
        says("Paris"),
        family=FAMILY,
        proves="a question in English is answered rightly",
        guards_against="quantizations and kernels that answer gibberish (vLLM #37804, #36489)",
    ),
    chat_case(
        "language-chinese",
        Asked(CHINESE_CAPITAL, thinking="off"),
        says("巴黎"),
        family=FAMILY,
        proves="a question in Chinese is answered rightly, in Chinese",
        guards_against="broken tokenizers and detokenizers",
    ),
    chat_case(
        "language-chinese-stream",
        Asked(_CHINESE, thinking="off", stream=True),
        answers_in_chinese,
        family=FAMILY,
        proves="characters of several bytes arrive whole in a stream",
        guards_against="a detokenizer that sends half characters as replacement characters",
    ),
    chat_case(
        "system-prompt",
        Asked(SYSTEM_ORDER, thinking="off"),
        says("AMBER"),
        family=FAMILY,
        proves="the system prompt reaches the model",
        guards_against="chat templates and gateways that drop it",
    ),
    chat_case(
        "multi-turn",
        Asked(REMEMBERED, thinking="off"),
        says("teal"),
        family=FAMILY,
        proves="earlier turns reach the model",
        guards_against="chat templates that keep the last message only",
    ),
)
